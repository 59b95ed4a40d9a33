import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.demo.run import INTERRUPTED, _until_stopped, introduction, main, stoppable
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


async def test_a_demonstration_that_is_told_to_stop_ended_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def forever(_: StandIn) -> int:
        await asyncio.Event().wait()
        return 0

    monkeypatch.setattr(StandIn, "ended", forever)
    async with played(tmp_path) as cast:
        waiting = asyncio.create_task(_until_stopped(cast.stage))
        await asyncio.sleep(0)
        waiting.cancel()
        assert await waiting == 0
    assert "Stopping." in capsys.readouterr().out


async def test_work_that_ends_gives_its_code() -> None:
    async def work() -> int:
        return 7

    assert await stoppable(work()) == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_stops_the_work_and_a_second_one_does_not_disturb_its_tidying_up(
    number: signal.Signals,
) -> None:
    tidied: list[str] = []

    async def work() -> int:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(30)
        finally:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)
            tidied.append("tidied")
        return 0

    assert await stoppable(work()) == INTERRUPTED
    assert tidied == ["tidied"]


def test_a_story_that_is_interrupted_leaves_no_child_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "proxy", "demo", "--story"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        told = re.match(r"Muster at http://app.localhost:(\d+)", demo.stdout.readline())
        assert told is not None
        [config] = tmp_path.glob("muster-demo-*/muster.yaml")
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == INTERRUPTED
    assert not config.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(told[1])), timeout=1)


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
