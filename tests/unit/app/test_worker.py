"""A worker says that it serves, leaves for a successor or at once, and does not outlive its parent."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from proxy.app.doors import Doors
from proxy.app.worker import LEAVE, Seat, attend
from proxy.demo.browser import Browser
from proxy.errors import SettingsError
from tests.fakes.whole import Whole, kept_logging, whole

SECONDS = 30.0


class Chair:
    """A seat whose other ends the test holds."""

    def __init__(self, stage: Whole, doors: Doors) -> None:
        settings = stage.settings()
        self.ready, writes = os.pipe()
        lifeline, self.parent_end = os.pipe()
        self._ends = [self.ready, writes, lifeline]
        self.seat = Seat(
            settings=settings,
            doors=doors,
            opened=doors.open(settings),
            number=0,
            ready=writes,
            lifeline=lifeline,
        )

    def parent_dies(self) -> None:
        os.close(self.parent_end)
        self.parent_end = -1

    def close(self) -> None:
        for end in (*self._ends, *([self.parent_end] if self.parent_end >= 0 else [])):
            os.close(end)


@asynccontextmanager
async def seated(folder: Path) -> AsyncIterator[tuple[Whole, Chair]]:
    numbers = (signal.SIGTERM, signal.SIGINT, LEAVE)
    before = {number: signal.getsignal(number) for number in numbers}
    async with whole(folder) as stage:
        with kept_logging(), closing(Doors()) as doors, closing(Chair(stage, doors)) as chair:
            try:
                yield stage, chair
            finally:
                for number, handler in before.items():
                    asyncio.get_running_loop().remove_signal_handler(number)
                    signal.signal(number, handler)


async def ready(chair: Chair) -> bytes:
    """Polled: a thread that waits in a read could not be called off."""
    os.set_blocking(chair.ready, False)
    async with asyncio.timeout(SECONDS):
        while True:
            with contextlib.suppress(BlockingIOError):
                return os.read(chair.ready, 1)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "end",
    [
        lambda chair: os.kill(os.getpid(), signal.SIGTERM),
        lambda chair: os.kill(os.getpid(), LEAVE),
        Chair.parent_dies,
    ],
    ids=["told to stop", "told to leave", "orphaned"],
)
async def test_it_serves_until_its_end(tmp_path: Path, end: Callable[[Chair], None]) -> None:
    async with seated(tmp_path) as (stage, chair), Browser() as browser:
        work = asyncio.create_task(attend(chair.seat))
        assert await ready(chair) == b"."
        assert (await browser.fetch(stage.url("/_muster/readyz"))).status == 200
        end(chair)
        os.kill(os.getpid(), signal.SIGTERM)  # whoever leaves for a successor may be told to hurry
        await asyncio.wait_for(work, SECONDS)


async def test_one_that_cannot_begin_raises_and_says_nothing(tmp_path: Path) -> None:
    async with seated(tmp_path) as (_, chair):
        (tmp_path / "muster.db").write_bytes(b"this is no database, whatever its name says" * 50)
        with pytest.raises(SettingsError):
            await asyncio.wait_for(attend(chair.seat), SECONDS)
        os.set_blocking(chair.ready, False)
        with pytest.raises(BlockingIOError):
            os.read(chair.ready, 1)


async def test_one_that_is_stopped_before_it_serves_ends_without_a_word(tmp_path: Path) -> None:
    async with seated(tmp_path) as (_, chair):
        chair.parent_dies()
        await asyncio.wait_for(attend(chair.seat), SECONDS)
