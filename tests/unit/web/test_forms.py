"""Which requests count as a form of ours. Each page that changes something asks here."""

import pytest

from proxy.web.guard import form_token
from tests.fakes.web import NAVIGATE, PUBLIC, Control

HERE = {**NAVIGATE, "Origin": PUBLIC}
PAGES = ("/_muster/sign-out", "/_muster/sessions/end", "/_muster/profile/refresh")

NO_FORMS = [
    ("multipart/form-data; boundary=x", b"--xyz"),
    ("multipart/form-data; boundary=x", b"--x\r\nfoo"),
    ("application/x-www-form-urlencoded; charset=nope", b"form_token=x"),
    ("application/x-www-form-urlencoded; charset=rot13", b"form_token=x"),
    ("application/x-www-form-urlencoded; charset=\xff", b"form_token=x"),
    ("application/x-www-form-urlencoded", b"\xff\xfe"),
    ("application/x-www-form-urlencoded", b"a&" * 30_000),
    ("application/json", b"{}"),
    ("/;", b"form_token=x"),
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "headers",
    [
        {**HERE, "Origin": "https://evil.example"},
        {**HERE, "Origin": "null"},
        {**HERE, "Sec-Fetch-Site": "cross-site"},
        {**HERE, "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_site_changes_nothing(page: str, headers: dict[str, str]) -> None:
    async with Control() as control:
        session = control.sign_in_directly()
        form = {"form_token": form_token(control.parts.keys, session.key), "others": "all"}
        assert (await control.ask(page, method="POST", headers=headers, form=form)).status == 403
        assert control.sessions.ended == []
        assert control.renew.asked == []


@pytest.mark.parametrize("page", PAGES)
async def test_another_sessions_token_or_none_changes_nothing(page: str) -> None:
    async with Control() as control:
        other = control.sign_in_directly(2)
        control.sign_in_directly(1)
        for token in ("", "0" * 64, form_token(control.parts.keys, other.key)):
            told = await control.ask(page, method="POST", headers=HERE, form={"form_token": token})
            assert told.status == 403
        assert control.sessions.ended == []
        assert control.renew.asked == []


@pytest.mark.parametrize("page", PAGES)
async def test_a_form_that_is_none_is_refused_and_no_bug_of_ours(page: str) -> None:
    async with Control() as control:
        control.sign_in_directly()
        for kind, body in NO_FORMS:
            headers = {**HERE, "Content-Type": kind}
            assert (await control.ask(page, method="POST", headers=headers, form=body)).status == 403, kind
        assert control.journal.bugs == []


@pytest.mark.parametrize("page", PAGES[1:])
async def test_whoever_is_not_signed_in_is_sent_to_sign_in(page: str) -> None:
    async with Control() as control:
        told = await control.ask(page, method="POST", headers=HERE, form={})
        assert told.location == f"{PUBLIC}/_muster/sign-in?return_to=%2F_muster%2Fprofile"
