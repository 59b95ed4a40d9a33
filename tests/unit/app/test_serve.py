"""One process that is told by signals: to serve a configuration read anew, and to stop."""

import asyncio
import json
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.app.serve import serve
from proxy.demo.browser import Browser
from proxy.errors import Problem, SettingsError
from proxy.settings.model import Settings
from tests.fakes.whole import kept_logging, whole

Captured = pytest.CaptureFixture[str]


class Log:
    def __init__(self, capsys: Captured) -> None:
        self._capsys = capsys
        self.lines: list[dict[str, object]] = []

    async def until(self, event: str) -> dict[str, object]:
        """The next line of that event."""
        async with asyncio.timeout(20):
            while True:
                self.lines += [json.loads(line) for line in self._capsys.readouterr().err.splitlines()]
                for index, line in enumerate(self.lines):
                    if line["event"] == event:
                        del self.lines[: index + 1]
                        return line
                await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(settings: Settings, reread: Callable[[], Settings], log: Log) -> AsyncIterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    with kept_logging():
        task = asyncio.create_task(serve(settings, reread))
        try:
            await log.until("listening")
            yield
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.wait_for(task, 60)
            for number, handler in before.items():
                asyncio.get_running_loop().remove_signal_handler(number)
                signal.signal(number, handler)


async def test_a_reload_serves_what_the_file_holds_now(tmp_path: Path, capsys: Captured) -> None:
    log = Log(capsys)
    async with whole(tmp_path) as stage, Browser() as browser:

        def changed() -> Settings:
            return stage.settings(lambda text: text + "open_paths: [/headers]\n")

        async with serving(stage.settings(), changed, log):
            assert (await browser.fetch(stage.url("/headers"))).status == 401
            os.kill(os.getpid(), signal.SIGHUP)
            await log.until("reloaded")
            async with Browser() as another:
                assert (await another.fetch(stage.url("/headers"))).status == 403, "the app itself says so"


async def test_what_cannot_be_served_is_refused_with_its_place(tmp_path: Path, capsys: Captured) -> None:
    log = Log(capsys)
    async with whole(tmp_path) as stage, Browser() as browser:
        faults: list[Callable[[], Settings]] = [
            _mistake,
            lambda: stage.settings(lambda text: text + "workers: 2\n"),
            lambda: stage.settings(lambda text: text + "redirect_http: 192.0.2.1:1\n"),
            _bug,
        ]
        told = []
        async with serving(stage.settings(), lambda: faults.pop(0)(), log):
            while faults:
                os.kill(os.getpid(), signal.SIGHUP)
                told.append((await log.until("reload_refused")).get("where"))
                assert (await browser.fetch(stage.url("/headers"))).status == 401
        assert told == ["groups", "workers", "redirect_http", None]


def _mistake() -> Settings:
    raise SettingsError((Problem(path="groups", line=3, message="no"),))


def _bug() -> Settings:
    raise ZeroDivisionError


async def test_a_stop_does_not_wait_for_a_reload(tmp_path: Path, capsys: Captured) -> None:
    log, asked, released = Log(capsys), threading.Event(), threading.Event()
    async with whole(tmp_path) as stage:

        def slow() -> Settings:
            asked.set()
            assert released.wait(20)
            return stage.settings()

        async with serving(stage.settings(), slow, log):
            os.kill(os.getpid(), signal.SIGHUP)
            assert await asyncio.to_thread(asked.wait, 20)
        await log.until("stopped")
        assert not released.is_set()
        released.set()
