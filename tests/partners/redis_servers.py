"""Real Redis and Valkey servers of a test's own: alone, over TLS with an ACL user, under Sentinels, as a Cluster.

    with RedisServer(folder) as server:
        server.place(prefix="mine")              # where the engine finds it
        server.client.config_get("maxmemory")    # the test's own hand on it

Every server lives in a folder of the test, on a unix socket or on ports that were free, and keeps what it was told (AOF).
"""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import redis

from proxy.storage.redis.place import Address, Cluster, Login, Place, Single, Socket, Tls, Watched
from tests.fakes.certificates import Authority, Pair
from tests.fakes.processes import POLL_SECONDS, Child, ChildDied, free_port
from tests.partners.environments import Missing
from tests.partners.prepare_valkey import ENVIRONMENT, program

HOST = "127.0.0.1"
PASSWORD = "a-password-of-the-tests"
RIGHTS = "-@all +@read +@write +@scripting +@connection +role +info +cluster|slots"
"""What an ACL user of Muster needs, as docs/operations.md says."""

TRIES = 3
READY_SECONDS = 20.0


def redis_program() -> str:
    """Debian's server; raises Missing."""
    found = shutil.which("redis-server")
    if found is None:
        raise Missing("redis-server is not there: run tests/partners/prepare.sh")
    return found


def valkey_program() -> str:
    """The package index's server; raises Missing."""
    found = program(ENVIRONMENT.ready())
    if found is None:
        raise Missing("valkey-server is not there: run tests/partners/prepare.sh")
    return str(found)


def need(found: Callable[[], str]) -> str:
    """The program; skips the test with what is missing (which CI=true does not take for a passed one)."""
    try:
        return found()
    except Missing as error:
        pytest.skip(f"missing: {error}")


def wait_until(condition: Callable[[], object], what: str, seconds: float = READY_SECONDS) -> None:
    """Blocks until the condition holds; fails with `what`."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(redis.RedisError, OSError):
            if condition():
                return
        assert time.monotonic() < deadline, f"after {seconds:g} s still not so: {what}"
        time.sleep(POLL_SECONDS)


class RedisServer:
    """One server. `stop`, `kill` and `start` keep where it listens and what is in its append-only file."""

    def __init__(
        self,
        folder: Path,
        options: Sequence[str] = (),
        *,
        program: str | None = None,
        on_port: bool = False,
        is_sentinel: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.socket = str(folder / "s")
        self.port = free_port() if on_port else 0
        self._program = program or need(redis_program)
        self._options = [*options]
        self._is_sentinel = is_sentinel
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def address(self) -> Address:
        return Address(host=HOST, port=self.port)

    @property
    def client(self) -> "redis.Redis":
        """A connection of the test's own, by TCP where it listens there."""
        if self.port:
            return redis.Redis(host=HOST, port=self.port, protocol=2, socket_timeout=5)
        return redis.Redis(unix_socket_path=self.socket, protocol=2, socket_timeout=5)

    def call(self, *words: str | int) -> Any:
        """One command of the test's own."""
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call]  # the library's

    def place(self, *, prefix: str = "muster", **more: Any) -> Place:
        endpoint = self.address if self.port else Socket(path=self.socket)
        return Place(at=Single(endpoint=endpoint), prefix=prefix, **more)

    def start(self) -> None:
        """Starts it (again); blocks until it takes commands."""
        for tries in range(TRIES):
            try:
                self._start()
            except ChildDied:
                if tries + 1 == TRIES or not self.port:
                    raise
            else:
                return

    def send(self, number: signal.Signals) -> None:
        assert self._child is not None
        self._child.send(number)

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """Within the block it says nothing, and keeps its connections: a machine that hangs."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def kill(self) -> None:
        """`kill -9`."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _start(self) -> None:
        child = Child("redis", self._command(), folder=self.folder)
        ready = "Sentinel ID is" if self._is_sentinel else "eady to accept connections"
        try:
            child.wait_for_line(lambda line: ready in line)
        except BaseException:
            child.kill()
            raise
        self._child = child

    def _command(self) -> list[str]:
        place = ["--port", str(self.port), "--bind", HOST, "--dir", str(self.folder)]
        if self._is_sentinel:
            config = self.folder / "sentinel.conf"
            if not config.exists():
                config.write_text("\n".join(self._options) + "\n")
            return [self._program, str(config), *place, "--sentinel"]
        kept = [
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        ]
        return [self._program, *place, "--unixsocket", self.socket, *kept, *self._options]


class SecuredServer(RedisServer):
    """A server on TLS alone that wants a client certificate and an ACL user with no more rights than Muster needs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._authority = Authority(folder)
        self._server = self._authority.issue("server", hosts=("localhost", HOST))
        self._ours = self._authority.issue("muster")
        self.tls_port = free_port()
        super().__init__(folder, self._secured())

    @property
    def client(self) -> "redis.Redis":
        return redis.Redis(unix_socket_path=self.socket, protocol=2, username="test", password=PASSWORD)

    def place(self, *, prefix: str = "muster", **more: Any) -> Place:
        return Place(
            at=Single(endpoint=Address(host="localhost", port=self.tls_port)),
            prefix=prefix,
            login=Login(username="muster", password=partial(str, PASSWORD)),
            tls=Tls(ca_file=self._authority.ca_file, cert_file=self._ours.cert, key_file=self._ours.key),
            **more,
        )

    @property
    def authority(self) -> Authority:
        return self._authority

    @property
    def ours(self) -> Pair:
        """Our client certificate."""
        return self._ours

    def _secured(self) -> list[str]:
        server = self._server
        return [
            "--tls-port", str(self.tls_port), "--tls-cert-file", str(server.cert), "--tls-key-file", str(server.key),
            "--tls-ca-cert-file", str(self._authority.ca_file), "--tls-auth-clients", "yes",
            "--user", "default", "off",
            "--user", "test", "on", f">{PASSWORD}", "~*", "&*", "+@all",
            "--user", "muster", "on", f">{PASSWORD}", "~{contract-*", *RIGHTS.split(),
        ]  # fmt: skip


@dataclass
class SentinelGroup:
    """A master, a replica and three Sentinels. `down_after` is in milliseconds."""

    folder: Path
    down_after: int = 30_000
    servers: list[RedisServer] = field(default_factory=list)
    sentinels: list[RedisServer] = field(default_factory=list)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for one in (*self.sentinels, *self.servers):
            one.kill()

    def place(self, *, prefix: str = "muster", **more: Any) -> Place:
        at = Watched(sentinels=tuple(one.address for one in self.sentinels), master="main")
        return Place(at=at, prefix=prefix, **more)

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """Within the block the master says nothing."""
        with self.servers[0].silence():
            yield

    def wait_until_watched(self) -> None:
        """Blocks until the Sentinels know each other: before that, none of them fails over."""
        for one in self.sentinels:
            wait_until(partial(_knows_all, one), "the Sentinels know each other")

    def wait_until_in_step(self) -> None:
        """Blocks until the replica has all that the master has."""
        master, replica = (one.client.info("replication") for one in self.servers)
        wait_until(
            lambda: self.servers[1].client.info("replication")["master_link_status"] == "up",
            "the replica follows",
        )
        del master, replica

    def _start(self) -> None:
        master = self._server("one", [])
        self._server("two", ["--replicaof", HOST, str(master.port)])
        self.wait_until_in_step()
        for number in range(3):
            watching = [
                f"sentinel monitor main {HOST} {master.port} 2",
                f"sentinel down-after-milliseconds main {self.down_after}",
                "sentinel failover-timeout main 5000",
            ]
            one = RedisServer(self.folder / f"sentinel-{number}", watching, on_port=True, is_sentinel=True)
            self.sentinels.append(one)
            one.start()

    def _server(self, name: str, more: list[str]) -> RedisServer:
        one = RedisServer(self.folder / name, ["--repl-diskless-sync-delay", "0", *more], on_port=True)
        self.servers.append(one)
        one.start()
        return one


@dataclass
class ClusterOfThree:
    """Three masters that share the slots. `timeout` is after how many milliseconds of silence a node counts as failed."""

    folder: Path
    timeout: int = 15_000
    nodes: list[RedisServer] = field(default_factory=list)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for node in self.nodes:
            node.kill()

    def place(self, *, prefix: str = "muster", **more: Any) -> Place:
        """Only one node is named: the others are heard of."""
        return Place(at=Cluster(nodes=(self.nodes[0].address,)), prefix=prefix, **more)

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """Within the block no node says anything."""
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node.silence())
            yield

    def _start(self) -> None:
        buses = [free_port() for _ in range(3)]
        for number, bus in enumerate(buses):
            options = ["--cluster-enabled", "yes", "--cluster-port", str(bus)]
            options += ["--cluster-node-timeout", str(self.timeout), "--cluster-announce-bus-port", str(bus)]
            node = RedisServer(self.folder / f"node-{number}", options, on_port=True)
            self.nodes.append(node)
            node.start()
        self._join(buses)
        for node in self.nodes:
            wait_until(partial(_is_up, node), "the Cluster is up")

    def _join(self, buses: list[int]) -> None:
        starts = [0, 5461, 10923, 16384]
        for number, node in enumerate(self.nodes):
            node.call("CLUSTER", "ADDSLOTSRANGE", starts[number], starts[number + 1] - 1)
            node.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node, bus in zip(self.nodes[1:], buses[1:], strict=True):
            self.nodes[0].call("CLUSTER", "MEET", HOST, node.port, bus)


def _knows_all(sentinel: RedisServer) -> bool:
    """Whether it knows the other Sentinels and the replica."""
    state: Any = sentinel.client.sentinel_master("main")
    return (int(state["num-other-sentinels"]), int(state["num-slaves"])) == (2, 1)


def _is_up(node: RedisServer) -> bool:
    """Whether the node thinks that the Cluster serves all slots."""
    return b"cluster_state:ok" in node.call("CLUSTER", "INFO")


def worker() -> str:
    """The name of this test process, for folders."""
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")
