"""Muster as an operator runs it: `python -m proxy serve -c FILE`, a child process with its own folder."""

import asyncio
import json
import random
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.processes import POLL_SECONDS, Child, ChildDied

Config: TypeAlias = dict[str, Any]

HOST = "app.localhost"
ROOT = Path(__file__).parents[2]
STARTS = 5
"""Ports are chosen before the child binds them; how often to try others when somebody was faster."""


PASSING = """
import os, sys
given = int(sys.argv[1])
if given != 3:
    os.dup2(given, 3)
    os.close(given)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""What systemd does for the sockets of a .socket unit (sd_listen_fds(3))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where people come in, and where operators look."""

    public: int
    ops: int

    @property
    def public_url(self) -> str:
        return f"http://{HOST}:{self.public}"

    @property
    def ops_url(self) -> str:
        return f"http://127.0.0.1:{self.ops}"


def choose_ports() -> Ports:
    """Two ports below the range that outgoing connections take theirs from."""
    return Ports(public=_free_low_port(), ops=_free_low_port())


def _free_low_port() -> int:
    while True:
        port = random.randint(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Muster:
    """One Muster and its files. `start` may be called again after `kill` or `stop`: same configuration, store, ports."""

    def __init__(self, folder: Path, ports: Ports, config: Config) -> None:
        self.folder = folder
        self.ports = ports
        self.config_file = folder / "muster.yaml"
        self._child: Child | None = None
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Write the configuration, for the next start. JSON is YAML."""
        listening = {
            "listen": f"127.0.0.1:{self.ports.public}",
            "ops_listen": f"127.0.0.1:{self.ports.ops}",
            "public_url": self.ports.public_url,
        }
        # A test that stops Muster is done with its connections, unless it says how long it needs them.
        limits = {"drain_idle": "0s", **config.get("limits", {})}
        self.config_file.write_text(json.dumps({**listening, **config, "limits": limits}, indent=2))

    @property
    def child(self) -> Child:
        assert self._child is not None, "Muster was not started"
        return self._child

    @property
    def database(self) -> Path:
        return self.folder / "muster.db"

    def url(self, path: str = "/") -> str:
        return f"{self.ports.public_url}{path}"

    async def start(
        self,
        *,
        ready: str | None = "/_muster/readyz",
        seconds: float = 30.0,
        passed: socket.socket | None = None,
    ) -> None:
        """Starts it; returns when `ready` answers 200. None: at once, for whom plain HTTP is not answered.

        `passed` is a listening socket that it gets as from systemd.
        """
        argv = [sys.executable, "-m", "proxy", "serve", "-c", str(self.config_file)]
        descriptors = () if passed is None else (passed.fileno(),)
        if passed is not None:
            argv = [sys.executable, "-c", PASSING, str(passed.fileno()), *argv]
        self._child = Child(
            "muster", argv, folder=self.folder, cwd=ROOT, env={"MUSTER_DEBUG": "1"}, passed=descriptors
        )
        if ready is None:
            return
        try:
            await self._until_ready(ready, time.monotonic() + seconds)
        except BaseException:
            self._child.kill()
            raise

    async def _until_ready(self, path: str, deadline: float) -> None:
        async with aiohttp.ClientSession() as client:
            while not await self._answers(client, path):
                if self.child.exit_code is not None or time.monotonic() > deadline:
                    await self.child.line(lambda _: False, seconds=0)
                await asyncio.sleep(POLL_SECONDS)

    async def _answers(self, client: aiohttp.ClientSession, path: str) -> bool:
        headers = {"Host": f"{HOST}:{self.ports.public}"}
        try:
            async with client.get(f"http://127.0.0.1:{self.ports.public}{path}", headers=headers) as answer:
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False

    def kill(self) -> None:
        """`kill -9`."""
        self.child.kill()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self.child.stop()

    # --- what an operator sees --------------------------------------------------------------------------------

    def log(self) -> Iterator[dict[str, Any]]:
        """Every structured line of this run."""
        for line in self.child.lines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record

    def has_logged(self, reason: str) -> bool:
        """Whether any line of this run holds the reason as a value."""
        return any(reason in map(str, record.values()) for record in self.log())

    def all_output(self) -> bytes:
        """What every run of this Muster ever wrote, for looking for what must not be there."""
        files = (self.folder / "muster.out", self.folder / "muster.err")
        return b"".join(file.read_bytes() for file in files if file.exists())

    async def figures(self) -> dict[str, float]:
        """Every sample of the metrics, by `name{label="value",…}`."""
        async with aiohttp.ClientSession() as client, client.get(f"{self.ports.ops_url}/metrics") as answer:
            assert answer.status == 200
            text = await answer.text()
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return {_label(sample.name, sample.labels): sample.value for sample in samples}


def _label(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inside}}}"


def is_port_taken(failure: ChildDied) -> bool:
    """Whether a start failed because somebody else took the port meanwhile."""
    return "address already in use" in str(failure).lower() or "eaddrinuse" in str(failure).lower()
