"""Muster as a child process of the demonstration: started, waited for, killed; what it prints goes to a file."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import aiohttp

READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0
_POLL: Final = 0.05


class ChildDied(Exception):
    """The child ended by itself, or never became ready; the text holds the end of what it printed."""


class MusterChild:
    """`muster serve` with one configuration; may be started again after `kill` or `stop`. `address` is where it listens."""

    def __init__(self, config: Path, *, address: str, log: Path) -> None:
        self.config = config
        self.address = address
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "not started"
        return self._process

    async def start(self) -> None:
        """Returns once it is ready to serve. Raises ChildDied."""
        argv = [sys.executable, "-m", "proxy", "serve", "-c", str(self.config)]
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches the demonstration, which then stops its child in order.
            self._process = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as http:
                while not await self._is_ready(http):
                    if self._process.returncode is not None:
                        raise ChildDied(f"muster serve ended with {self._process.returncode}:\n{self.tail()}")
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            await self.kill()
            raise ChildDied(f"muster serve was not ready after {READY_SECONDS:g} s:\n{self.tail()}") from None

    async def stop(self) -> int:
        """SIGTERM, and SIGKILL for one that does not listen; the exit code. Stopping what is over is harmless."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await self._process.wait()
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """`kill -9`, at once."""
        if self.process.returncode is None:
            self.process.kill()
        return await self.process.wait()

    async def ended(self) -> int:
        """Waits for it to end; its exit code."""
        return await self.process.wait()

    def tail(self, lines: int = 15) -> str:
        """The end of what it printed."""
        return (
            "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
        )

    def records(self) -> Iterator[dict[str, Any]]:
        """Every JSON line of its log, over all starts."""
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.address}/_muster/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False
