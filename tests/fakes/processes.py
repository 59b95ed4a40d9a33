"""Child processes of a test: started, waited for with a deadline, ended and always reaped.

What a child prints goes to two files, so nothing blocks on a full pipe and no event loop owns it: the same child serves fixtures
of any scope. A child that dies before it is ready fails the test with what it wrote.
"""

import asyncio
import atexit
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

READY_SECONDS = 30.0
"""How long anything may take to start on a busy machine."""

POLL_SECONDS = 0.02


class ChildDied(AssertionError):
    """A child ended, or stayed silent, before the test was through with it."""


class Child:
    """One running program; `folder` receives its output as `NAME.out` and `NAME.err`."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        folder: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        passed: Sequence[int] = (),
    ) -> None:
        """`passed`: descriptors that it inherits under the same numbers."""
        self.name = name
        self.out_file = folder / f"{name}.out"
        self.err_file = folder / f"{name}.err"
        with self.out_file.open("ab") as out, self.err_file.open("ab") as err:
            self._out_start, self._err_start = out.tell(), err.tell()
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                process_group=0,
                pass_fds=passed,
            )
        _running.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    @property
    def out(self) -> str:
        """What this run (not an earlier one of the same name) printed on standard output."""
        return self.out_file.read_bytes()[self._out_start :].decode(errors="replace")

    @property
    def err(self) -> str:
        return self.err_file.read_bytes()[self._err_start :].decode(errors="replace")

    def lines(self) -> list[str]:
        """All complete lines of both outputs."""
        return [*_complete_lines(self.out), *_complete_lines(self.err)]

    def wait_for_line(self, matches: Callable[[str], bool], seconds: float = READY_SECONDS) -> str:
        """The first line that matches; blocks, so for fixtures outside an event loop."""
        deadline = time.monotonic() + seconds
        while True:
            if (found := self._line(matches, deadline)) is not None:
                return found
            time.sleep(POLL_SECONDS)

    async def line(self, matches: Callable[[str], bool], seconds: float = READY_SECONDS) -> str:
        """The first line that matches."""
        deadline = time.monotonic() + seconds
        while True:
            if (found := self._line(matches, deadline)) is not None:
                return found
            await asyncio.sleep(POLL_SECONDS)

    def _line(self, matches: Callable[[str], bool], deadline: float) -> str | None:
        ended = self.exit_code is not None
        for line in self.lines():
            if matches(line):
                return line
        if ended:
            raise ChildDied(f"{self.name} ended with {self.exit_code}:\n{self._tail()}")
        if time.monotonic() > deadline:
            raise ChildDied(f"{self.name} did not print what was awaited:\n{self._tail()}")
        return None

    def _tail(self) -> str:
        return f"{self.out[-2000:]}\n{self.err[-4000:]}"

    async def ended(self, seconds: float = READY_SECONDS) -> int:
        """The exit code, once it is there."""
        deadline = time.monotonic() + seconds
        while (code := self.exit_code) is None:
            if time.monotonic() > deadline:
                raise ChildDied(f"{self.name} is still running:\n{self._tail()}")
            await asyncio.sleep(POLL_SECONDS)
        return code

    def send(self, number: signal.Signals) -> None:
        """A signal to the child alone."""
        if self.exit_code is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`, the whole process group, and reaped."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        _running.discard(self)

    def stop(self, seconds: float = 15.0) -> int:
        """SIGTERM, then SIGKILL to whatever is left of the group; the exit code."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()
        return self._process.returncode


def _complete_lines(text: str) -> Iterator[str]:
    return (line.rstrip("\n") for line in text.splitlines(keepends=True) if line.endswith("\n"))


_running: set[Child] = set()


@atexit.register
def _kill_what_is_left() -> None:
    for child in tuple(_running):
        child.kill()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago. Somebody else may take it: who binds it must be ready to try another."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


async def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Returns once `condition` holds; fails with `what` when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds:g} s still not so: {what}"
        await asyncio.sleep(POLL_SECONDS)
