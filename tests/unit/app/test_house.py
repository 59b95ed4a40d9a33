"""The house as it is built: in the steady state a signed-in request costs no store call, no cryptography and no task."""

import asyncio
import hashlib
import hmac
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy.app import rules
from proxy.app.house import build
from proxy.demo.browser import Browser
from proxy.errors import SettingsError
from proxy.session import codec
from proxy.storage.sqlite.engine import SqliteEngine
from proxy.telemetry.telemetry import Telemetry
from tests.fakes.configurations import settings_of
from tests.fakes.whole import Whole, served, whole

REQUESTS = 200
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 1024


@dataclass(slots=True)
class Costs:
    """What was done, by whom: the task's name, or `-` for plain code of the loop."""

    store: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    crypto: list[str] = field(default_factory=list)

    def clear(self) -> None:
        for one in (self.store, self.tasks, self.crypto):
            one.clear()

    def besides(self, beside: set[str]) -> dict[str, list[str]]:
        """Everything that the tasks beside the requests did not do."""
        return {
            "store": [who for who in self.store if who not in beside],
            "tasks": [who for who in self.tasks if who not in beside],
            "crypto": self.crypto,
        }


def doer() -> str:
    task = asyncio.current_task()
    return task.get_name() if task is not None else "-"


def count_store(costs: Costs, patch: pytest.MonkeyPatch) -> None:
    for name in ("read", "write"):
        plain: Callable[..., Coroutine[Any, Any, Any]] = getattr(SqliteEngine, name)

        def counted(
            self: SqliteEngine,
            job: Callable[[sqlite3.Connection], Any],
            plain: Callable[..., Coroutine[Any, Any, Any]] = plain,
        ) -> Coroutine[Any, Any, Any]:
            costs.store.append(doer())
            return plain(self, job)

        patch.setattr(SqliteEngine, name, counted)


def count_crypto(costs: Costs, patch: pytest.MonkeyPatch) -> None:
    """Sealing, hashing, MACs and signing; in whatever thread."""
    for where, name, plain in (
        (codec, "AESGCM", AESGCM),
        (hashlib, "sha256", hashlib.sha256),
        (hmac, "new", hmac.new),
        (jwt, "encode", jwt.encode),
    ):

        def counted(*args: Any, name: str = name, plain: Callable[..., Any] = plain, **more: Any) -> Any:
            costs.crypto.append(name)
            return plain(*args, **more)

        patch.setattr(where, name, counted)


@contextmanager
def counted_tasks(costs: Costs) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def factory(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        costs.tasks.append(doer())
        return asyncio.Task(work, loop=loop, **more)

    loop.set_task_factory(factory)
    try:
        yield
    finally:
        loop.set_task_factory(None)


class Upstream(asyncio.Protocol):
    """An app in the same loop that makes no task: every head is answered at once."""

    heads: list[bytes]

    def __init__(self, heads: list[bytes]) -> None:
        self.heads = heads
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while b"\r\n\r\n" in self._got:
            head, _, self._got = self._got.partition(b"\r\n\r\n")
            self.heads.append(head)
            self._transport.write(ANSWER)


@asynccontextmanager
async def upstream(heads: list[bytes]) -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(heads), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


NOTHING: Final[dict[str, list[str]]] = {"store": [], "tasks": [], "crypto": []}


class Client:
    """One keep-alive connection of a signed-in browser."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._head = head

    async def ask(self, times: int) -> None:
        for _ in range(times):
            self._writer.write(self._head)
            head = await self._reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            await self._reader.readexactly(1024)

    def close(self) -> None:
        self._writer.close()


async def signed_in(stage: Whole) -> Client:
    async with Browser() as browser:
        await browser.sign_in(stage.url("/"), "alice")
        cookie = browser.jar.value("app.localhost", "__Host-muster")
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    head = f"GET /page HTTP/1.1\r\nHost: app.localhost:{stage.port}\r\nCookie: __Host-muster={cookie}\r\n\r\n"
    return Client(reader, writer, head.encode())


@pytest.mark.parametrize("is_asserted", [False, True], ids=["headers", "assertion"])
async def test_a_signed_in_request_costs_no_store_call_no_cryptography_and_no_task(
    is_asserted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs, heads = Costs(), list[bytes]()
    count_store(costs, monkeypatch)
    count_crypto(costs, monkeypatch)
    async with whole(tmp_path) as stage, upstream(heads) as app:
        more = "assertion: {enabled: true}\n" if is_asserted else ""
        settings = stage.settings(lambda text: text.replace(stage.app.url, app, 1) + more)
        async with served(settings):
            with counted_tasks(costs):
                client = await signed_in(stage)
                await client.ask(5)
                assert "-" in costs.tasks, "the counters count: connections and slow decisions made tasks"
                assert {"AESGCM", "sha256"} <= set(costs.crypto)
                assert ("encode" in costs.crypto) is is_asserted
                assert set(costs.store) - beside(), "somebody's session was written and read"
                # A machine that stands still for a second lets the proof grow old; then a look is right, and no steady state.
                found = {"store": ["not asked yet"]}
                for _ in range(5):
                    rounds = beside()
                    costs.clear()
                    heads.clear()
                    await client.ask(REQUESTS)
                    found = costs.besides(rounds)
                    if found == NOTHING:
                        break
                client.close()
    assert found == NOTHING
    assert len(heads) == REQUESTS
    assert all(b"X-Forwarded-User: alice\r\n" in head for head in heads)
    assert {b"\r\nX-Muster-Assertion: ey" in head for head in heads} == {is_asserted}


def beside() -> set[str]:
    """The tasks that run already: rounds and partners. No request of the steady state makes one."""
    return {task.get_name() for task in asyncio.all_tasks()}


async def test_without_a_proof_every_request_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same count sees what is not the steady state."""
    costs, heads = Costs(), list[bytes]()
    count_store(costs, monkeypatch)
    count_crypto(costs, monkeypatch)
    async with whole(tmp_path) as stage, upstream(heads) as app:
        settings = stage.settings(lambda text: text.replace(stage.app.url, app, 1))
        async with served(settings):
            client = await signed_in(stage)
            await client.ask(5)
            with counted_tasks(costs):
                rounds = beside()
                costs.clear()
                monkeypatch.setattr("proxy.gate.gate.PROOF_SECONDS", -1.0)
                await client.ask(3)
                found = costs.besides(rounds)
                client.close()
    assert len(found["store"]) == len(found["tasks"]) == 3
    assert found["crypto"].count("AESGCM") == 3


# --- building ---


async def test_a_house_that_cannot_be_built_leaves_nothing_open(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, app={"preset": "demo", "url": "http://127.0.0.1:1"})
    before = asyncio.all_tasks()
    with pytest.raises(SettingsError, match="token"):
        async with AsyncExitStack() as stack:
            await build(settings, Telemetry(rules.telemetry_rules(settings)), stack)
    assert asyncio.all_tasks() == before
    assert (tmp_path / "muster.db").exists()
    async with asyncio.timeout(5):
        while any(thread.name.startswith("sqlite-") for thread in threading.enumerate()):
            await asyncio.sleep(0.01)


async def test_without_an_app_nothing_is_carried(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, app=None, headers={"user_claim": "sub"})
    async with AsyncExitStack() as stack:
        house = await build(settings, Telemetry(rules.telemetry_rules(settings)), stack)
        assert house.courier is None
        assert house.listener.connections == 0
