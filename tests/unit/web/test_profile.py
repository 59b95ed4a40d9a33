from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED, Groups
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, AccountState, Pending, Ready
from proxy.web.profile import described_account, described_groups, distance, moment
from tests.fakes.people import groups, identity
from tests.fakes.web import SCRIPT, Control


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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "now"),
        (1, "in 1 second"),
        (-59, "59 seconds ago"),
        (60, "in 1 minute"),
        (3599, "in 59 minutes"),
        (-7200, "2 hours ago"),
        (90_000, "in 1 day"),
    ],
)
def test_distances_read_as_people_say_them(seconds: float, text: str) -> None:
    assert distance(seconds) == text


def test_a_moment_is_written_for_machines_and_people() -> None:
    told = moment(0.0, 60.0)
    assert (told.iso, told.clock, told.distance) == ("1970-01-01T00:00:00Z", "00:00:00 UTC", "1 minute ago")
