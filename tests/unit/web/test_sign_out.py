import re
from dataclasses import replace

import pytest

from proxy.identity import IdpId
from proxy.reasons import Reason
from proxy.session.model import Tokens
from proxy.web.guard import form_token
from proxy.web.leaving import LeavingRules
from tests.fakes.web import NAVIGATE, Control

HERE = {**NAVIGATE, "Origin": "https://app.example.com"}


async def test_the_page_asks_and_changes_nothing() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        told = await control.ask("/_muster/sign-out")
        assert told.status == 200
        assert "Alice" in told.text
        assert session.key in control.sessions.sessions


async def test_the_button_ends_the_session_revokes_and_goes_on_to_the_idp() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        page = await control.ask("/_muster/sign-out")
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', page.text)
        assert found is not None
        told = await control.ask(
            "/_muster/sign-out", method="POST", headers=HERE, form={"form_token": found[1]}
        )
        assert told.status == 303
        assert told.location == "https://corp.example.net/end"
        assert control.sessions.ended == [(session.key, Reason.SIGNED_OUT)]
        assert control.flow.revoked == [session.tokens]
        assert "__Host-muster" not in control.cookies
        assert control.journal.ended == [session.key]


async def test_the_id_token_goes_along_as_a_hint() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.sessions.sessions[session.key] = replace(session, tokens=Tokens(id_token="hint"))
        form = {"form_token": form_token(control.parts.keys, session.key)}
        await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
        assert control.flow.hints == ["hint"]


async def test_without_an_idp_sign_out_the_person_sees_our_page() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.flow.ends_at = None
        form = {"form_token": form_token(control.parts.keys, session.key)}
        told = await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
        assert told.location == "https://app.example.com/_muster/signed-out?still=corp"
        page = await control.ask("/_muster/signed-out?still=corp")
        assert "At Example Corp you are still signed in" in page.text


async def left_for_the_idp(control: Control) -> str:
    """The state that went along."""
    session = control.sign_in_directly()
    form = {"form_token": form_token(control.parts.keys, session.key)}
    await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
    state = control.flow.states[-1]
    assert state is not None
    return state


async def test_whoever_comes_back_with_the_state_was_signed_out_there_too() -> None:
    async with Control() as control:
        state = await left_for_the_idp(control)
        assert len(control.attempts()) == 1
        told = await control.ask(f"/_muster/signed-out?state={state}")
        assert "Example Corp has signed you out too" in told.text
        assert control.attempts() == []
        assert "has signed you out too" not in (await control.ask(f"/_muster/signed-out?state={state}")).text


@pytest.mark.parametrize("query", ["", "?state=", "?state=other", "?state=%00%ff", "?still=", "?still=evil"])
async def test_whoever_comes_back_otherwise_is_told_only_what_is_certain(query: str) -> None:
    async with Control() as control:
        await left_for_the_idp(control)
        told = await control.ask(f"/_muster/signed-out{query}")
        assert told.status == 200
        assert "If your identity provider still knows this browser" in told.text
        assert len(control.attempts()) == 1


async def test_another_browser_does_not_know_the_state() -> None:
    async with Control() as control:
        state = await left_for_the_idp(control)
        control.cookies.clear()
        told = await control.ask(f"/_muster/signed-out?state={state}")
        assert "has signed you out too" not in told.text


async def test_every_sign_out_has_a_state_of_its_own() -> None:
    async with Control() as control:
        assert await left_for_the_idp(control) != await left_for_the_idp(control)


async def test_what_else_the_idps_session_led_to_ends_too() -> None:
    async with Control() as control:
        twin, other = control.sign_in_directly(2), control.sign_in_directly(3)
        sessions = control.sessions.sessions
        sessions[twin.key] = replace(twin, idp_session="s1")
        sessions[other.key] = replace(other, idp_session="s2")
        session = control.sign_in_directly(1)
        sessions[session.key] = replace(session, idp_session="s1")
        form = {"form_token": form_token(control.parts.keys, session.key)}
        await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
        assert set(sessions) == {other.key}


async def test_an_operator_may_keep_the_sign_out_here() -> None:
    async with Control(leaving=LeavingRules(goes_to_idp=False)) as control:
        twin = control.sign_in_directly(2)
        control.sessions.sessions[twin.key] = replace(twin, idp_session="s1")
        session = control.sign_in_directly()
        control.sessions.sessions[session.key] = replace(session, idp_session="s1")
        page = await control.ask("/_muster/sign-out")
        assert page.headers["Content-Security-Policy"].endswith("form-action 'self'")
        form = {"form_token": form_token(control.parts.keys, session.key)}
        told = await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
        assert told.location.endswith("/_muster/signed-out?still=corp")
        assert control.flow.revoked == [session.tokens]
        assert set(control.sessions.sessions) == {twin.key}


async def test_an_operator_may_say_where_people_end_up() -> None:
    intranet = "https://intranet.example.com/start"
    async with Control(leaving=LeavingRules(return_to=intranet)) as control:
        control.sign_in_directly()
        policy = (await control.ask("/_muster/sign-out")).headers["Content-Security-Policy"]
        assert policy.endswith("form-action 'self' https://corp.example.net https://intranet.example.com")
        state = await left_for_the_idp(control)
        back = await control.ask(f"/_muster/signed-out?state={state}")
        assert (back.status, back.location, control.attempts()) == (303, intranet, [])
        control.flow.ends_at = None
        session = control.sign_in_directly()
        form = {"form_token": form_token(control.parts.keys, session.key)}
        told = await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
        assert told.location == intranet


async def test_an_idp_that_is_no_longer_listed_is_not_asked() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.sessions.sessions[session.key] = replace(session, idp=IdpId("gone"))
        form = {"form_token": form_token(control.parts.keys, session.key)}
        told = await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
        assert told.location.endswith("?still=gone")
        assert "If your identity provider" in (await control.ask("/_muster/signed-out?still=gone")).text
        assert session.key not in control.sessions.sessions


@pytest.mark.parametrize(
    "headers",
    [
        {**HERE, "Origin": "https://evil.example"},
        {**HERE, "Origin": "null"},
        {**HERE, "Sec-Fetch-Site": "cross-site"},
        {**HERE, "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_site_does_nothing(headers: dict[str, str]) -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        form = {"form_token": form_token(control.parts.keys, session.key)}
        told = await control.ask("/_muster/sign-out", method="POST", headers=headers, form=form)
        assert told.status == 403
        assert session.key in control.sessions.sessions
        assert "__Host-muster" in control.cookies


@pytest.mark.parametrize("form", [{}, {"form_token": ""}, {"form_token": "0" * 64}])
async def test_a_form_without_its_token_does_nothing(form: dict[str, str]) -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        told = await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
        assert told.status == 403
        assert session.key in control.sessions.sessions


async def test_a_form_that_is_none_is_refused_and_no_bug_of_ours() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        headers = {**HERE, "Content-Type": "multipart/form-data; boundary=x"}
        told = await control.ask("/_muster/sign-out", method="POST", headers=headers, form=b"--xyz")
        assert told.status == 403
        assert session.key in control.sessions.sessions


async def test_another_sessions_token_does_nothing() -> None:
    async with Control() as control:
        other = control.sign_in_directly(2)
        session = control.sign_in_directly(1)
        form = {"form_token": form_token(control.parts.keys, other.key)}
        assert (await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)).status == 403
        assert session.key in control.sessions.sessions


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_whoever_has_no_session_is_signed_out_already(method: str) -> None:
    async with Control() as control:
        told = await control.ask("/_muster/sign-out", method=method, headers=HERE)
        assert told.location == "https://app.example.com/_muster/signed-out"


@pytest.mark.parametrize(
    "headers",
    [
        {**HERE, "Origin": "https://evil.example"},
        {**HERE, "Origin": "null"},
        {**HERE, "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_another_sites_form_clears_no_cookie_though_none_comes_with_it(headers: dict[str, str]) -> None:
    """`SameSite=Lax` keeps our cookie out of the request; the browser would still take what the answer sets."""
    async with Control() as control:
        told = await control.ask("/_muster/sign-out", method="POST", headers=headers, form={})
        assert (told.status, told.set_cookies) == (403, [])


async def test_a_browser_that_says_nothing_of_itself_loses_no_cookie_that_it_did_not_send() -> None:
    async with Control() as control:
        told = await control.ask("/_muster/sign-out", method="POST", headers={}, form={})
        assert (told.status, told.set_cookies) == (303, [])


async def test_whoever_signs_out_of_a_session_that_is_over_loses_its_cookie() -> None:
    async with Control() as control:
        control.sessions.sessions.pop(control.sign_in_directly().key)
        told = await control.ask("/_muster/sign-out", method="POST", headers=HERE, form={})
        assert told.location == "https://app.example.com/_muster/signed-out"
        assert "__Host-muster" not in control.cookies


async def test_a_store_that_is_away_does_not_pretend() -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        control.sessions.fail_next.append("end")
        form = {"form_token": form_token(control.parts.keys, session.key)}
        told = await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
        assert told.status == 503
        assert "__Host-muster" in control.cookies
        assert control.flow.revoked == []


async def test_the_pages_policy_lets_the_form_lead_to_the_idp() -> None:
    """Chromium holds the redirect after a form to `form-action`."""
    async with Control() as control:
        control.sign_in_directly()
        told = await control.ask("/_muster/sign-out")
        assert "form-action 'self' https://corp.example.net" in told.headers["Content-Security-Policy"]


async def test_a_huge_form_is_not_read() -> None:
    async with Control() as control:
        control.sign_in_directly()
        form = {"form_token": "x" * 70_000}
        assert (await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)).status == 413
