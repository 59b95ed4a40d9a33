import asyncio
import os
import signal
from pathlib import Path

import pytest

from proxy.demo.run import _until_stopped, introduction, main
from tests.fakes.stand_in import StandIn, played


async def test_the_introduction_says_where_who_and_what_to_try(tmp_path: Path) -> None:
    async with played(tmp_path) as cast:
        text = introduction(cast.stage)
    for needed in (
        cast.stage.at.public_url,
        "Alice Archer",
        "mallory@elsewhere.test",
        "/control",
        "/_muster/profile",
    ):
        assert needed in text


async def test_the_demonstration_stops_at_a_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forever(_: StandIn) -> int:
        await asyncio.Event().wait()
        return 0

    monkeypatch.setattr(StandIn, "ended", forever)
    async with played(tmp_path) as cast:
        waiting = asyncio.create_task(_until_stopped(cast.stage))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await waiting == 0


async def test_a_muster_that_ends_by_itself_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with played(tmp_path) as cast:
        assert await _until_stopped(cast.stage) == 1
    assert "the last line" in capsys.readouterr().err


def test_help_explains_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "--story" in capsys.readouterr().out


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--storry"])
    assert ended.value.code == 2
    assert "--storry" in capsys.readouterr().err
