"""The whole program in this process: what a start refuses, what it does not wait for, and an end that loses nothing."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.demo.browser import Browser, Page
from proxy.errors import SettingsError
from proxy.settings.model import Settings
from tests.fakes.whole import Whole, kept_logging, served, whole

Captured = pytest.CaptureFixture[str]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(tmp_path) as one:
        yield one


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as one:
        yield one


def records(capsys: Captured) -> list[dict[str, Any]]:
    """What was logged since the last look."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def told(page: Page) -> dict[str, str]:
    """The request headers that the app saw."""
    assert page.status == 200, page.text
    return dict(json.loads(page.text)["headers"])


async def until_requested(stage: Whole, path: str) -> None:
    async with asyncio.timeout(5):
        while not any(view.path == path for view in stage.app.views):
            await asyncio.sleep(0.01)


async def refused(settings: Settings) -> str:
    """The sentences of a start that must not come to pass."""
    with kept_logging(), pytest.raises(SettingsError) as refusal:
        async with served(settings):
            raise AssertionError("it serves")
    return str(refusal.value)


async def test_somebody_signs_in_and_the_app_is_told_who_it_is(stage: Whole, browser: Browser) -> None:
    async with served(stage.settings()) as addresses:
        assert addresses == (f"127.0.0.1:{stage.port}",)
        seen = told(await browser.sign_in(stage.url("/headers"), "alice"))
        again = told(await browser.fetch(stage.url("/headers")))
    assert seen["X-Forwarded-User"] == again["X-Forwarded-User"] == "alice"
    assert seen["X-Forwarded-Email"] == "alice@example.com"
    assert seen["X-Forwarded-Groups"] == "engineers"
    assert seen["Host"] == stage.url().split("/")[2]
    assert "muster" not in seen.get("Cookie", "")


async def test_a_session_outlives_the_program(stage: Whole, browser: Browser) -> None:
    async with served(stage.settings()):
        await browser.sign_in(stage.url("/headers"), "alice")
    async with served(stage.settings()):
        assert told(await browser.fetch(stage.url("/headers")))["X-Forwarded-User"] == "alice"
    assert stage.idp.state.redeemed["alice"] == 1


async def test_a_request_in_flight_is_finished_before_the_end(stage: Whole, browser: Browser) -> None:
    async with served(stage.settings()):
        await browser.sign_in(stage.url("/headers"), "alice")
        slow = asyncio.create_task(browser.fetch(stage.url("/slow?seconds=0.5")))
        await until_requested(stage, "/slow")
    answer = await slow
    assert (answer.status, answer.text) == (200, "done\n")


async def test_what_the_idp_answered_is_written_before_the_end(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renewal that a request began is under way, and the request gone, when the program is told to stop.

    The rotated token must not be lost. Early renewals are out of the way: they are waited for on their own.
    """
    monkeypatch.setattr("proxy.app.early.IN_USE_SECONDS", -1.0)
    async with whole(tmp_path, access_life=2.0) as stage:

        def quick(text: str) -> str:
            return text.replace("every: 3600s", "every: 2s")

        async with served(stage.settings(quick)):
            await browser.sign_in(stage.url("/headers"), "alice")
            stage.idp.state.options.token_delay = 0.5
            async with asyncio.timeout(10):
                while not any(task.get_name().startswith("renew ") for task in asyncio.all_tasks()):
                    await browser_is_seen(browser, stage)
        stage.idp.state.options.token_delay = 0.0
        async with served(stage.settings()):
            assert told(await browser.fetch(stage.url("/headers")))["X-Forwarded-User"] == "alice"
        assert stage.idp.state.refreshes["alice"] >= 1
        assert "refresh_token invalid_grant" not in stage.idp.state.answers
        assert stage.idp.state.redeemed["alice"] == 1


async def browser_is_seen(browser: Browser, stage: Whole) -> None:
    waiting = asyncio.create_task(browser.fetch(stage.url("/headers")))
    await asyncio.wait([waiting], timeout=0.05)
    if not waiting.done():
        waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_an_endless_stream_is_cut_when_the_time_to_drain_is_over(
    stage: Whole, browser: Browser
) -> None:
    def impatient(text: str) -> str:
        return text + "limits: {drain_timeout: 200ms}\n"

    async with served(stage.settings(impatient)):
        await browser.sign_in(stage.url("/headers"), "alice")
        stream = asyncio.create_task(browser.fetch(stage.url("/events?every=0.05")))
        await until_requested(stage, "/events")
    with pytest.raises(Exception, match=r"(?i)payload|disconnect|closed"):
        await stream


async def test_a_sign_out_ends_the_sessions_running_streams(stage: Whole, browser: Browser) -> None:
    async with served(stage.settings()):
        await browser.sign_in(stage.url("/headers"), "alice")
        stream = asyncio.create_task(browser.fetch(stage.url("/events?every=0.05")))
        await until_requested(stage, "/events")
        profile = await browser.open(stage.url("/_muster/profile"))
        form = next(form for form in profile.forms if "out" in form.action)
        await browser.submit(profile, form)
        async with asyncio.timeout(5):
            await asyncio.gather(stream, return_exceptions=True)
        assert (await browser.fetch(stage.url("/headers"))).status == 401


async def test_ops_serves_health_and_metrics_apart_from_people(stage: Whole, browser: Browser) -> None:
    async with served(stage.settings()):
        ready = await browser.fetch(stage.ops("/readyz"))
        parts = {"store": "ok", "changes": "ok", "upstream": "ok"}
        assert json.loads(ready.text) == {"ready": True, "parts": parts}
        metrics = await browser.fetch(stage.ops("/metrics"))
        assert 'muster_idp_misconfigured{idp="corp"} 0.0' in metrics.text
        assert (await browser.fetch(stage.url("/_muster/metrics"))).status in {401, 404}
        assert json.loads((await browser.fetch(stage.url("/_muster/readyz"))).text) == {"ready": True}


async def test_it_starts_and_is_ready_while_the_idp_is_down(stage: Whole, browser: Browser) -> None:
    await stage.idp.stop()
    async with served(stage.settings()):
        assert (await browser.fetch(stage.url("/_muster/readyz"))).status == 200
        assert (await browser.open(stage.url("/headers"))).status in {502, 503}
        await stage.idp.start()
        page = await browser.sign_in(stage.url("/headers"), "alice")
        assert page.status in {200, 503}, "known at the next try, or after a short pause"


async def test_it_starts_and_is_ready_while_the_app_is_down(stage: Whole, browser: Browser) -> None:
    await stage.app.stop()
    async with served(stage.settings()):
        assert (await browser.fetch(stage.url("/_muster/readyz"))).status == 200


async def test_an_address_that_is_taken_is_a_mistake_of_the_configuration(stage: Whole) -> None:
    with socket.create_server(("127.0.0.1", stage.port)):
        assert "listen: cannot listen there" in await refused(stage.settings())


async def test_when_the_second_address_is_taken_the_first_is_free_again(stage: Whole) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        def both(text: str) -> str:
            mine = f"listen: 127.0.0.1:{stage.port}"
            return text.replace(mine, f"listen: ['127.0.0.1:{stage.port}', '127.0.0.1:{port}']")

        assert "listen: cannot listen there" in await refused(stage.settings(both))
    with socket.create_server(("127.0.0.1", stage.port)):
        pass


async def test_an_ops_address_that_is_taken_is_a_mistake_of_the_configuration(stage: Whole) -> None:
    with socket.create_server(("127.0.0.1", stage.ops_port)):
        assert "ops_listen: cannot listen there" in await refused(stage.settings())


async def test_a_store_whose_folder_vanished_is_refused_before_anything_listens(stage: Whole) -> None:
    # Settings check that the folder is there; it may be gone when the program starts.
    (stage.folder / "data").mkdir()
    settings = stage.settings(lambda text: text.replace("./muster.db", "./data/muster.db"))
    (stage.folder / "data").rmdir()
    assert "muster.db" in await refused(settings)
    with socket.create_server(("127.0.0.1", stage.port)):
        pass


async def test_a_replaced_key_file_is_said_at_the_start_and_people_sign_in_again(
    stage: Whole, browser: Browser, capsys: Captured
) -> None:
    async with served(stage.settings()):
        await browser.sign_in(stage.url("/headers"), "alice")
    assert not [one for one in records(capsys) if one["event"] == "keys"], "all is well"
    (stage.folder / "muster.keys").unlink()
    async with served(stage.settings()):
        (record,) = [one for one in records(capsys) if one["event"] == "keys"]
        assert (await browser.fetch(stage.url("/headers"))).status == 401
        assert (await browser.sign_in(stage.url("/headers"), "alice")).status == 200
    assert (record["level"], record["sessions"]) == ("warning", 1)
    assert record["what"].startswith("the key file was replaced: 1 sessions cannot be opened")


async def test_doubtful_settings_are_said_at_the_start(stage: Whole, capsys: Captured) -> None:
    settings = stage.settings(lambda text: text.replace("domains: [example.com]", "domains: []"))
    assert settings.warnings
    async with served(settings):
        said = [one for one in records(capsys) if one["event"] == "settings"]
    assert [one["where"] for one in said] == [warning.path for warning in settings.warnings]


async def test_it_says_where_it_listens_and_when_it_stopped_and_no_secret(
    stage: Whole, browser: Browser, capsys: Captured
) -> None:
    async with served(stage.settings()):
        await browser.sign_in(stage.url("/headers"), "alice")
        cookie = browser.jar.value("app.localhost", "__Host-muster")
    written = capsys.readouterr()
    # A machine that allows few open files is told first.
    events = [
        event for line in written.err.splitlines() if (event := json.loads(line)["event"]) != "open_files"
    ]
    assert events[0] == "ops_listening"
    assert events[1] == "listening"
    assert events[-2:] == ["stopping", "stopped"]
    assert '"kind":"access"' in written.out, "what waited was flushed"
    assert cookie
    grants = stage.idp.state.grants
    issued = [*grants._access, *(grant.refresh_token or "" for grant in grants.all.values())]
    assert len(issued) >= 2
    assert all(issued)
    for secret in (cookie, stage.app.state.token, stage.idp.state.options.client_secret or "", *issued):
        assert secret not in written.out + written.err
