"""What an IdP's logout ends, what it does not, and what is no logout."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from proxy.identity import IdpId, Subject
from proxy.oidc.keys import read_keys
from proxy.oidc.tokens import LEEWAY
from proxy.reasons import Reason
from proxy.session.model import Misconfigured, Session, SessionKey, Trouble
from proxy.web import backchannel_logout
from tests.fakes.idp import CLIENT_ID, ec_key, published, rsa_key
from tests.fakes.logout import LEFT_OUT, logout_token
from tests.fakes.web import NOW, Control, FakeFlow, Told
from tests.unit.web.test_forms import NO_FORMS

PATH = "/_muster/backchannel-logout"
ISSUER = "https://corp.example.net"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def corp(name: str = "corp") -> FakeFlow:
    flow = FakeFlow(name)
    flow.rules = replace(flow.rules, client_id=CLIENT_ID)
    flow.published = read_keys(published(rsa_key(), ec_key()))
    return flow


def signed_in(control: Control, number: int, sid: str | None = "s1", person: str = "alice") -> Session:
    made = control.sign_in_directly(number)
    control.cookies.clear()
    subject = Subject(issuer=ISSUER, subject=person)
    held = replace(made, subject=subject, idp=IdpId("corp"), idp_session=sid)
    control.sessions.sessions[made.key] = held
    return held


async def present(control: Control, token: str) -> Told:
    return await control.ask(PATH, method="POST", headers={}, form={"logout_token": token})


def living(control: Control) -> set[SessionKey]:
    return set(control.sessions.sessions)


async def test_the_session_that_the_idp_names_ends_and_no_other() -> None:
    async with Control(corp()) as control:
        named, other = signed_in(control, 1), signed_in(control, 2, "s2")
        told = await present(control, logout_token(ISSUER, NOW))
        assert (told.status, told.headers["Cache-Control"]) == (200, "no-store")
        assert control.sessions.ended == [(named.key, Reason.LOGGED_OUT_AT_IDP)]
        assert living(control) == {other.key}
        assert control.journal.idp_logouts == [("corp", named.subject, 1, "back")]


async def test_without_a_sid_all_sessions_of_the_person_end() -> None:
    async with Control(corp()) as control:
        signed_in(control, 1), signed_in(control, 2, "s2"), signed_in(control, 3, None)
        bob = signed_in(control, 4, "s3", "bob")
        assert (await present(control, logout_token(ISSUER, NOW, sid=LEFT_OUT))).status == 200
        assert living(control) == {bob.key}


async def test_a_sid_and_a_person_must_belong_together() -> None:
    async with Control(corp()) as control:
        bob = signed_in(control, 1, "s1", "bob")
        assert (await present(control, logout_token(ISSUER, NOW))).status == 200
        assert living(control) == {bob.key}


async def test_a_sid_alone_is_enough() -> None:
    async with Control(corp()) as control:
        signed_in(control, 1)
        assert (await present(control, logout_token(ISSUER, NOW, sub=LEFT_OUT))).status == 200
        assert living(control) == set()


async def test_somebody_who_is_not_signed_in_is_signed_out_already() -> None:
    async with Control(corp()) as control:
        assert (await present(control, logout_token(ISSUER, NOW))).status == 200
        assert control.journal.idp_logouts[0][2] == 0


async def test_no_timer_starts_and_nothing_is_revoked() -> None:
    async with Control(corp()) as control:
        signed_in(control, 1)
        await present(control, logout_token(ISSUER, NOW))
        assert control.sessions.timers == {}
        assert control.flow.revoked == []


async def test_a_token_presented_twice_ends_nothing_the_second_time() -> None:
    async with Control(corp()) as control:
        signed_in(control, 1)
        token = logout_token(ISSUER, NOW)
        assert (await present(control, token)).status == 200
        again = signed_in(control, 2)
        told = await present(control, token)
        assert (told.status, told.text.strip()) == (400, '{"error": "invalid_request"}')
        assert living(control) == {again.key}
        assert control.journal.refused_logouts == ["logout_replayed"]
        assert (await present(control, logout_token(ISSUER, NOW, jti="jti-2"))).status == 200
        assert living(control) == set()


async def test_a_token_is_remembered_for_as_long_as_it_is_good_and_by_its_own_issuer() -> None:
    async with Control(corp()) as control:
        control.now = NOW + 20
        await present(control, logout_token(ISSUER, NOW))
        assert control.sessions.remembered == [100 + LEEWAY]
        (spent,) = control.sessions.attempts
        assert "jti-1" not in spent


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonce": "n"}, "nonce_present"),
        ({"aud": "another"}, "audience_mismatch"),
        ({"iss": "https://evil.example"}, "issuer_unknown"),
        ({"iss": LEFT_OUT}, "issuer_unknown"),
        ({"events": {}}, "event_missing"),
        ({"exp": int(NOW) - 600}, "expired"),
    ],
)
async def test_what_proves_nothing_ends_nothing_and_says_no_more_than_a_code(
    changes: dict[str, Any], code: str
) -> None:
    async with Control(corp()) as control:
        held = signed_in(control, 1)
        told = await present(control, logout_token(ISSUER, NOW, **changes))
        assert (told.status, told.text.strip()) == (400, '{"error": "invalid_request"}')
        assert told.headers["Cache-Control"] == "no-store"
        assert control.journal.refused_logouts == [code]
        assert living(control) == {held.key}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"logout_token=",
        b"logout_token=a&logout_token=b",
        b"other=1",
        b"logout_token=not-a-token",
        b"logout_token=" + b"a" * 20_000,
        b"logout_token=" + b"a" * 70_000,
        b"logout_token=%ff%fe",
    ],
)
async def test_a_body_without_one_token_is_refused(body: bytes) -> None:
    async with Control(corp()) as control:
        held = signed_in(control, 1)
        told = await control.ask(PATH, method="POST", headers=FORM, form=body)
        assert told.status == 400
        assert living(control) == {held.key}
        assert control.journal.bugs == []


async def test_a_token_anywhere_but_in_a_form_is_none() -> None:
    async with Control(corp()) as control:
        held = signed_in(control, 1)
        token = logout_token(ISSUER, NOW)
        query = urlencode({"logout_token": token})
        assert (await control.ask(f"{PATH}?{query}", method="POST", headers={})).status == 400
        assert (await control.ask(f"{PATH}?{query}")).status == 404
        json = {"Content-Type": "application/json"}
        body = b'{"logout_token": "' + token.encode() + b'"}'
        assert (await control.ask(PATH, method="POST", headers=json, form=body)).status == 400
        for kind, broken in NO_FORMS:
            told = await control.ask(PATH, method="POST", headers={"Content-Type": kind}, form=broken)
            assert (told.status, told.text) == (400, '{"error": "invalid_request"}\n'), kind
        assert living(control) == {held.key}
        assert control.journal.bugs == [], "whoever sends it is nobody that we know"


async def test_keys_that_cannot_be_had_are_said_to_be_a_matter_of_time() -> None:
    for fault in (Trouble(detail="http_500"), Misconfigured(code="keys_malformed")):
        async with Control(corp()) as control:
            held = signed_in(control, 1)
            control.flow.unready = fault
            told = await present(control, logout_token(ISSUER, NOW))
            assert (told.status, "temporarily_unavailable" in told.text) == (400, True)
            assert told.headers["Retry-After"] == "5"
            assert living(control) == {held.key}
            control.flow.unready = None
            assert (await present(control, logout_token(ISSUER, NOW))).status == 200


async def test_a_store_that_is_away_is_a_logout_that_failed_and_can_be_repeated() -> None:
    async with Control(corp()) as control:
        held = signed_in(control, 1)
        control.sessions.down = True
        assert (await present(control, logout_token(ISSUER, NOW))).status == 400
        assert held.key in living(control)
        control.sessions.down = False
        assert (await present(control, logout_token(ISSUER, NOW))).status == 200
        assert living(control) == set()


async def test_a_store_that_fails_between_remembering_and_ending_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backchannel_logout, "PAUSES", (0.0, 0.0))
    async with Control(corp()) as control:
        signed_in(control, 1)
        control.sessions.fail_next += ["end_idp_session"]
        assert (await present(control, logout_token(ISSUER, NOW))).status == 200
        assert living(control) == set()


async def test_one_issuer_with_two_clients_is_told_apart_by_the_audience() -> None:
    first, second = corp(), corp("other")
    second.rules = replace(second.rules, issuer=ISSUER, client_id="the-other")
    async with Control(first, second) as control:
        mine = signed_in(control, 1)
        theirs = replace(mine, idp=IdpId("other"))
        control.sessions.sessions[mine.key] = theirs
        assert (await present(control, logout_token(ISSUER, NOW, aud="the-other"))).status == 200
        assert control.journal.idp_logouts[0][0] == "other"
        assert living(control) == set()


async def test_an_idp_cannot_sign_out_anothers_people() -> None:
    """A token of one issuer under that issuer's own key names only what that IdP led to."""
    first, second = corp(), corp("evil")
    second.published = read_keys(published(rsa_key("evil-1")))
    async with Control(first, second) as control:
        held = signed_in(control, 1)
        own = logout_token(second.rules.issuer, NOW, key=rsa_key("evil-1"))
        assert (await present(control, own)).status == 200
        forged = logout_token(ISSUER, NOW, key=rsa_key("evil-1"))
        assert (await present(control, forged)).status == 400
        assert living(control) == {held.key}
