"""A logout in a frame: only where it is allowed, only by both names, and only what they name."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from proxy.identity import IdpId
from proxy.reasons import Reason
from proxy.session.model import Session
from proxy.web.leaving import LeavingRules
from tests.fakes.web import Control, FakeFlow, Told

PATH = "/_muster/frontchannel-logout"
ISSUER = "https://corp.example.net"
ALLOWED = LeavingRules(front_channel=frozenset({IdpId("corp")}))
FRAMED = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


def signed_in(control: Control, number: int = 1, sid: str = "s1", idp: str = "corp") -> Session:
    held = replace(control.sign_in_directly(number), idp=IdpId(idp), idp_session=sid)
    control.sessions.sessions[held.key] = held
    control.cookies.clear()
    return held


async def load(control: Control, **named: str) -> Told:
    return await control.ask(f"{PATH}?{urlencode(named)}", headers=FRAMED)


async def test_the_sessions_of_the_sid_end_without_any_cookie() -> None:
    async with Control(leaving=ALLOWED) as control:
        held, other = signed_in(control), signed_in(control, 2, "s2")
        told = await load(control, iss=ISSUER, sid="s1")
        assert told.status == 200
        assert control.sessions.ended == [(held.key, Reason.LOGGED_OUT_AT_IDP)]
        assert set(control.sessions.sessions) == {other.key}
        assert control.journal.idp_logouts == [("corp", None, 1, "front")]


async def test_loading_it_again_does_nothing() -> None:
    async with Control(leaving=ALLOWED) as control:
        signed_in(control)
        for _ in range(3):
            assert (await load(control, iss=ISSUER, sid="s1")).status == 200
        assert len(control.sessions.ended) == 1


async def test_only_the_idps_own_pages_may_frame_it_and_nobody_keeps_it() -> None:
    async with Control(leaving=ALLOWED) as control:
        told = await load(control, iss=ISSUER, sid="s1")
        policy = told.headers["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors https://corp.example.net")
        assert "default-src 'none'" in policy
        assert "X-Frame-Options" not in told.headers
        assert (told.headers["Cache-Control"], told.headers["Pragma"]) == ("no-cache, no-store", "no-cache")


async def test_every_other_page_of_ours_may_be_framed_by_nobody() -> None:
    async with Control(leaving=ALLOWED) as control:
        control.sign_in_directly()
        for page in ("sign-out", "signed-out", "profile"):
            told = await control.ask(f"/_muster/{page}")
            assert told.headers["X-Frame-Options"] == "DENY"
            assert "frame-ancestors 'none'" in told.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"iss": ISSUER},
        {"sid": "s1"},
        {"iss": ISSUER, "sid": ""},
        {"iss": "", "sid": "s1"},
        {"iss": ISSUER + "/", "sid": "s1"},
        {"iss": "https://evil.example", "sid": "s1"},
    ],
)
async def test_without_both_names_nothing_ends(named: dict[str, str]) -> None:
    async with Control(leaving=ALLOWED) as control:
        held = signed_in(control)
        told = await load(control, **named)
        assert told.status == 400
        assert "frame-ancestors 'none'" in told.headers["Content-Security-Policy"]
        assert set(control.sessions.sessions) == {held.key}
        assert control.journal.refused_logouts == ["front_channel_refused"]


async def test_a_name_that_comes_twice_is_none() -> None:
    async with Control(leaving=ALLOWED) as control:
        signed_in(control)
        twice = f"{PATH}?{urlencode([('iss', ISSUER), ('sid', 's1'), ('sid', 's2')])}"
        assert (await control.ask(twice, headers=FRAMED)).status == 400
        assert control.sessions.ended == []


async def test_an_idp_that_is_not_allowed_to_ends_nothing() -> None:
    for rules in (LeavingRules(), LeavingRules(front_channel=frozenset({IdpId("other")}))):
        async with Control(FakeFlow(), FakeFlow("other"), leaving=rules) as control:
            held = signed_in(control)
            assert (await load(control, iss=ISSUER, sid="s1")).status == 400
            assert set(control.sessions.sessions) == {held.key}


async def test_an_allowed_idp_ends_only_its_own() -> None:
    async with Control(FakeFlow(), FakeFlow("other"), leaving=ALLOWED) as control:
        held = signed_in(control, idp="other")
        assert (await load(control, iss=ISSUER, sid="s1")).status == 200
        assert set(control.sessions.sessions) == {held.key}


async def test_a_store_that_is_away_is_said() -> None:
    async with Control(leaving=ALLOWED) as control:
        signed_in(control)
        control.sessions.down = True
        assert (await load(control, iss=ISSUER, sid="s1")).status == 503
