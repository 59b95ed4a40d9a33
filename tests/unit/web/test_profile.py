from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED, Groups
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, AccountState, Pending, Ready, Session, Tokens
from proxy.web.guard import form_token
from proxy.web.profile import NO_ANSWER, TOO_SOON, UNCHANGED, changed, described_account, described_groups
from tests.fakes.people import groups, identity, session
from tests.fakes.web import NAVIGATE, PUBLIC, SCRIPT, Control, Told


async def test_the_profile_says_who_where_and_when() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.sessions.sessions[session.key] = replace(
            session, identity=identity(groups=groups("engineers", "a<b"))
        )
        control.now = session.refreshed_at + 60
        told = await control.ask("/_muster/profile")
        assert told.status == 200
        for text in (
            "Alice",
            "alice@example.com",
            "Example Corp",
            "a&lt;b, engineers",
            "1 minute ago",
            "in 59 minutes",
        ):
            assert text in told.text
        assert 'action="/_muster/sign-out"' in told.text


async def test_no_token_of_the_idp_is_shown() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        told = await control.ask("/_muster/profile")
        for secret in (
            session.tokens.access_token,
            session.tokens.refresh_token,
            control.cookies["__Host-muster"],
        ):
            assert secret is not None
            assert secret not in told.text


async def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back() -> None:
    async with Control() as control:
        told = await control.ask("/_muster/profile")
        assert told.location == "https://app.example.com/_muster/sign-in?return_to=%2F_muster%2Fprofile"
        assert (await control.ask("/_muster/profile", headers=SCRIPT)).status == 401


async def test_trouble_at_the_idp_is_told_without_alarm() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.sessions.sessions[session.key] = replace(session, trouble=Reason.IDP_TROUBLE)
        assert "You can go on" in (await control.ask("/_muster/profile")).text


async def test_a_sign_out_elsewhere_that_hangs_does_not_hold_the_page() -> None:
    async with Control() as control:
        control.sign_in_directly()
        control.flow.ends_at = None
        policy = (await control.ask("/_muster/profile")).headers["Content-Security-Policy"]
        assert policy.endswith("form-action 'self'")


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (NOT_STATED, "Your identity provider has not stated any."),
        (groups(), "None."),
        (groups("b", "a"), "a, b"),
    ],
)
def test_the_three_values_of_groups_stay_three(known: Groups, text: str) -> None:
    assert described_groups(known) == text


@pytest.mark.parametrize(
    ("account", "text"),
    [
        (Ready(login="ali"), "Ready. The app knows you as ali."),
        (Pending(), "Being set up."),
        (AccountRefused(reason=Reason.NO_SEAT), "You may join this app, but all its seats are taken."),
    ],
)
def test_every_account_state_has_a_sentence(account: AccountState, text: str) -> None:
    assert described_account(account) == text


HERE = {**NAVIGATE, "Origin": PUBLIC}


async def press_refresh(control: Control, session: Session, after: float = 60) -> Told:
    control.now = session.refreshed_at + after
    form = {"form_token": form_token(control.parts.keys, session.key)}
    return await control.ask("/_muster/profile/refresh", method="POST", headers=HERE, form=form)


def renewed(session: Session, *names: str) -> Session:
    identity_now = replace(session.identity, groups=groups(*names))
    return replace(session, identity=identity_now, refreshed_at=session.refreshed_at + 60)


async def test_refresh_asks_the_idp_and_says_what_became_of_the_groups() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        before = replace(session, identity=identity(groups=groups("engineers", "ops")))
        control.sessions.sessions[session.key] = before
        control.renew.answer = lambda held: renewed(held, "engineers", "designers")
        told = await press_refresh(control, session)
        assert told.status == 200
        assert control.renew.asked == [(session.key, True)]
        assert "Your groups have changed. New: designers. No longer: ops." in told.text
        assert "designers, engineers" in told.text


async def test_refresh_says_when_nothing_changed_or_nobody_answered() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.renew.answer = lambda held: replace(held, refreshed_at=held.refreshed_at + 60)
        assert UNCHANGED in (await press_refresh(control, session)).text
        control.renew.answer = lambda held: replace(held, trouble=Reason.IDP_TROUBLE)
        assert NO_ANSWER in (await press_refresh(control, session)).text


@pytest.mark.parametrize("seconds", [0.0, 9.9])
async def test_whoever_was_asked_about_a_moment_ago_waits(seconds: float) -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        told = await press_refresh(control, session, after=seconds)
        assert (told.status, control.renew.asked) == (429, [])
        assert TOO_SOON in told.text


async def test_a_silent_idp_is_not_asked_within_its_cool_off() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.sessions.sessions[session.key] = replace(session, next_attempt_at=session.refreshed_at + 61)
        assert (await press_refresh(control, session)).status == 429
        assert (await press_refresh(control, session, after=61)).status == 200


async def test_without_a_refresh_token_the_browser_passes_the_idp_silently() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.sessions.sessions[session.key] = replace(session, tokens=Tokens())
        told = await press_refresh(control, session)
        assert told.location == f"{PUBLIC}/_muster/sign-in?return_to=%2F_muster%2Fprofile&silent=1"
        assert control.renew.asked == []


async def test_a_session_that_the_idp_ended_leads_to_the_sign_in() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.renew.answer = lambda held: None
        told = await press_refresh(control, session)
        assert told.location == f"{PUBLIC}/_muster/sign-in?return_to=%2F_muster%2Fprofile"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (groups("a"), NOT_STATED, UNCHANGED),
        (NOT_STATED, groups("a"), "Your groups have changed. New: a."),
        (NOT_STATED, NOT_STATED, UNCHANGED),
        (groups("a"), groups(), "Your groups have changed. No longer: a."),
    ],
)
def test_silence_about_groups_is_no_change(old: Groups, new: Groups, text: str) -> None:
    before = session(identity=identity(groups=old))
    after = replace(before, identity=identity(groups=new), refreshed_at=before.refreshed_at + 1)
    assert changed(before, after) == text
