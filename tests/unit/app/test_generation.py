"""A generation begins, or says why not; it leaves for a successor, or at once."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from proxy.app.doors import Doors
from proxy.app.generation import Generation
from proxy.demo.browser import Browser
from proxy.errors import SettingsError
from tests.fakes.whole import kept_logging, whole

SECONDS = 60.0


async def test_two_generations_share_the_sockets_and_the_first_leaves_without_harm(tmp_path: Path) -> None:
    async with whole(tmp_path) as stage, Browser() as browser:
        with kept_logging(), closing(Doors()) as doors:
            settings = stage.settings()
            first = Generation(settings, doors.open(settings))
            await asyncio.wait_for(first.begun(), SECONDS)
            await browser.sign_in(stage.url("/headers"), "alice")
            second = Generation(settings, doors.open(settings))
            await asyncio.wait_for(second.begun(), SECONDS)
            first.leave_to_successor()
            assert (await browser.fetch(stage.url("/headers"))).status == 200
            assert not second.is_over
            first.leave_at_once()
            await asyncio.wait_for(first.ended(), SECONDS)
            assert first.is_over
            assert (await browser.fetch(stage.url("/headers"))).status == 200, "served by the second"
            doors.close()
            second.leave_at_once()
            await asyncio.wait_for(second.ended(), SECONDS)


async def test_one_that_cannot_begin_says_why(tmp_path: Path) -> None:
    async with whole(tmp_path) as stage:
        (tmp_path / "muster.db").write_bytes(b"this is no database, whatever its name says" * 50)
        with kept_logging(), closing(Doors()) as doors:
            settings = stage.settings()
            generation = Generation(settings, doors.open(settings))
            with pytest.raises(SettingsError):
                await asyncio.wait_for(generation.begun(), SECONDS)
            assert generation.is_over


async def test_one_that_is_called_off_is_gone(tmp_path: Path) -> None:
    async with whole(tmp_path) as stage:
        with kept_logging(), closing(Doors()) as doors:
            settings = stage.settings()
            generation = Generation(settings, doors.open(settings))
            beginning = asyncio.create_task(generation.begun())
            await asyncio.sleep(0)
            beginning.cancel()
            with pytest.raises(asyncio.CancelledError):
                await beginning
            assert generation.is_over


async def test_the_last_one_leaves_quiet_connections_a_while_and_may_be_hurried(tmp_path: Path) -> None:
    async with whole(tmp_path) as stage, Browser() as browser:
        with kept_logging(), closing(Doors()) as doors:
            settings = stage.settings(lambda text: text + "limits: {drain_timeout: 1h, drain_idle: 1h}\n")
            only = Generation(settings, doors.open(settings))
            await asyncio.wait_for(only.begun(), SECONDS)
            assert (await browser.fetch(stage.url("/_muster/readyz"))).status == 200
            only.leave_as_last()
            quiet = asyncio.create_task(only.ended())
            await asyncio.wait({quiet}, timeout=0.3)
            assert not quiet.done(), "the browser may have asked already"
            only.leave_at_once()
            await asyncio.wait_for(quiet, SECONDS)
