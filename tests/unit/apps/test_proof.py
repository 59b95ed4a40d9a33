"""What proves the admin on a call."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from proxy.apps.proof import Credentials, Proof
from proxy.apps.wire import Wire
from proxy.errors import Unavailable
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.reasons import Reason
from tests.fakes.rest_app import Fault, ScriptedApp, answering
from tests.unit.apps.test_authentication import ADAPTER, BASIC, HEADER, LOGIN

PAIR: Credentials = {"who": lambda: "root", "secret": lambda: "s3crét"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def proof(
    http: aiohttp.ClientSession,
    keys: dict[str, Any],
    credentials: Credentials,
    url: str = "http://127.0.0.1:1",
) -> Proof:
    return Proof(
        ADAPTER.validate_python(keys), credentials, Wire(url, http, timeout=5, parallel=2, observer=None)
    )


async def test_a_header(http: aiohttp.ClientSession) -> None:
    assert await proof(http, HEADER, {"token": lambda: "k"}).headers() == {"X-Key": "k"}


async def test_basic(http: aiohttp.ClientSession) -> None:
    assert await proof(http, BASIC, PAIR).headers() == {"Authorization": "Basic cm9vdDpzM2Nyw6l0"}


async def test_a_credential_is_read_for_each_call(http: aiohttp.ClientSession) -> None:
    values = iter(["old", "new"])
    one = proof(http, HEADER, {"token": lambda: next(values)})
    assert [await one.headers(), await one.headers()] == [{"X-Key": "old"}, {"X-Key": "new"}]


def _lost() -> str:
    raise FileNotFoundError(2, "No such file or directory", "/secret/place")


def _down() -> str:
    raise Unavailable("the vault does not answer")


@pytest.mark.parametrize("credential", [_lost, _down, lambda: "a\nX-Admin: 1", lambda: ""])
async def test_a_credential_that_cannot_be_used_is_unproved_and_not_told(
    http: aiohttp.ClientSession, credential: Any
) -> None:
    one = proof(http, HEADER, {"token": credential})
    outcome = await one.headers()
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is Reason.APP_UNPROVED
    assert "/secret/place" not in outcome.detail
    assert "X-Admin" not in outcome.detail
    assert not one.give_up({})


async def test_a_login_is_made_once_and_again_when_it_is_given_up(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(answering(200, {"access": "t1"}), answering(200, {"access": "t2"})) as app:
        one = proof(http, LOGIN, PAIR, app.url)
        found = await asyncio.gather(*(one.headers() for _ in range(5)))
        assert found == [{"Authorization": "Bearer t1"}] * 5
        assert one.give_up({"Authorization": "Bearer t1"})
        assert await one.headers() == {"Authorization": "Bearer t2"}
        assert one.give_up({"Authorization": "Bearer t1"})
        assert await one.headers() == {"Authorization": "Bearer t2"}
    assert [(seen.method, seen.target, seen.body) for seen in app.seen] == [
        ("POST", "/login", {"name": "root", "secret": ["s3crét"]})
    ] * 2


async def test_a_token_is_renewed_after_its_life(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    async with ScriptedApp(answering(200, {"access": "t1"}), answering(200, {"access": "t2"})) as app:
        one = proof(http, LOGIN | {"lifetime": 60}, PAIR, app.url)
        monkeypatch.setattr("proxy.apps.proof.time.monotonic", lambda: now[0])
        assert await one.headers() == {"Authorization": "Bearer t1"}
        now[0] += 59
        assert await one.headers() == {"Authorization": "Bearer t1"}
        now[0] += 1
        assert await one.headers() == {"Authorization": "Bearer t2"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (answering(401), Reason.APP_UNPROVED),
        (answering(403), Reason.APP_UNPROVED),
        (answering(400), Reason.APP_UNPROVED),
        (answering(302, None, Location="/x"), Reason.APP_UNPROVED),
        (answering(500), None),
        (answering(429, None, Retry_After="3"), None),
        (answering(200, {"access": None}), None),
        (answering(200, {"access": ""}), None),
        (answering(200, []), None),
        (answering(200, b"<html>"), None),
    ],
)
async def test_a_login_that_fails_says_whose_fault_it_is(
    http: aiohttp.ClientSession, fault: Fault, reason: Reason | None
) -> None:
    async with ScriptedApp(fault) as app:
        outcome = await proof(http, LOGIN, PAIR, app.url).headers()
    if reason is None:
        assert isinstance(outcome, AppTrouble)
        return
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is reason


async def test_what_an_app_echoes_is_hidden(http: aiohttp.ClientSession) -> None:
    async with ScriptedApp(answering(200, {"access": "tok-1"})) as app:
        one = proof(http, LOGIN, PAIR, app.url)
        await one.headers()
        assert one.hide("s3crét of root: tok-1 is bad") == "••• of •••: ••• is bad"


async def test_nothing_is_shown_when_it_cannot_be_known_what_to_hide(http: aiohttp.ClientSession) -> None:
    assert "tok" not in proof(http, HEADER, {"token": _lost}).hide("tok-1 is bad")
