"""Somebody's own sessions: listed in words, ended one by one or all but this one; nobody else's ever."""

from dataclasses import replace

from proxy.identity import IdpId
from proxy.reasons import Reason
from proxy.session.model import Device, Session
from proxy.web.guard import form_token
from tests.fakes.people import subject
from tests.fakes.web import NAVIGATE, PUBLIC, Control, FakeFlow, Told

HERE = {**NAVIGATE, "Origin": PUBLIC}
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Safari/604.1"


def elsewhere(control: Control, number: int, person: str = "alice", idp: str = "corp") -> Session:
    """A session in another browser."""
    mine = dict(control.cookies)
    made = control.sign_in_directly(number)
    control.cookies = mine
    device = Device(peer=f"192.0.2.{number}", user_agent=PHONE)
    held = replace(made, subject=subject(person), device=device, idp=IdpId(idp))
    control.sessions.sessions[made.key] = held
    return held


async def end(control: Control, session: Session, /, **fields: str) -> Told:
    form = {"form_token": form_token(control.parts.keys, session.key), **fields}
    return await control.ask("/_muster/sessions/end", method="POST", headers=HERE, form=form)


async def test_the_profile_lists_where_somebody_is_signed_in() -> None:
    async with Control(FakeFlow(), FakeFlow("partner", "Partner Ltd")) as control:
        session = control.sign_in_directly(1)
        phone, other = elsewhere(control, 2, idp="partner"), elsewhere(control, 3, "bob")
        control.now = session.created_at + 120
        text = (await control.ask("/_muster/profile")).text
        for words in (
            "(this one)",
            "Safari on an iPhone",
            "from 192.0.2.2",
            "with Partner Ltd",
            "2 minutes ago",
        ):
            assert words in text
        assert f'value="{phone.key[:16]}"' in text
        assert f'value="{session.key[:16]}"' not in text, "this one is signed out, not ended"
        assert other.key[:16] not in text
        assert "192.0.2.3" not in text


async def test_alone_there_are_no_others_to_end() -> None:
    async with Control() as control:
        control.sign_in_directly(1)
        text = (await control.ask("/_muster/profile")).text
        assert "(this one)" in text
        assert "End all others" not in text


async def test_what_a_browser_calls_itself_is_never_markup() -> None:
    async with Control() as control:
        session = control.sign_in_directly(1)
        device = Device(peer="<b>", user_agent="<script>alert(1)</script>")
        control.sessions.sessions[session.key] = replace(session, device=device)
        text = (await control.ask("/_muster/profile")).text
        assert "<script>" not in text
        assert "from <b>" not in text


async def test_one_of_ones_own_is_ended_and_its_tokens_revoked() -> None:
    async with Control() as control:
        session = control.sign_in_directly(1)
        phone, tablet = elsewhere(control, 2), elsewhere(control, 3)
        told = await end(control, session, session=phone.key[:16])
        assert (told.status, told.location) == (303, f"{PUBLIC}/_muster/profile")
        assert control.sessions.ended == [(phone.key, Reason.ENDED_BY_PERSON)]
        assert set(control.sessions.sessions) == {session.key, tablet.key}
        assert control.flow.revoked == [phone.tokens]
        assert control.journal.ended_others == [(session.key, 1)]


async def test_all_others_are_ended_and_this_one_stays() -> None:
    async with Control() as control:
        session = control.sign_in_directly(1)
        elsewhere(control, 2), elsewhere(control, 3)
        bob = elsewhere(control, 4, "bob")
        await end(control, session, others="all")
        assert set(control.sessions.sessions) == {session.key, bob.key}
        assert control.journal.ended_others == [(session.key, 2)]


async def test_nobody_elses_session_can_be_named_nor_this_one() -> None:
    async with Control() as control:
        session = control.sign_in_directly(1)
        bob = elsewhere(control, 2, "bob")
        for name in (bob.key[:16], bob.key, session.key[:16], "", "0" * 16):
            assert (await end(control, session, session=name)).status == 303
        assert control.sessions.ended == []
        assert control.journal.ended_others == []


async def test_a_store_that_is_away_is_said() -> None:
    async with Control() as control:
        session = control.sign_in_directly(1)
        elsewhere(control, 2)
        control.sessions.fail_next.append("end")
        assert (await end(control, session, others="all")).status == 503
        assert control.journal.ended_others == []
