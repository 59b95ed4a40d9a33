import re
from dataclasses import replace

import pytest

from proxy.reasons import Reason
from proxy.session.model import Tokens
from proxy.web.guard import form_token
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
        assert told.location == "https://app.example.com/_muster/signed-out"
        assert "You are signed out" in (await control.ask("/_muster/signed-out")).text


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
