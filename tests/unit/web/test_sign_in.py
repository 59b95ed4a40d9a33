import json
from urllib.parse import urlsplit

import pytest

from proxy.reasons import Reason
from proxy.session.model import Misconfigured, Trouble
from proxy.web.sign_in import landing
from tests.fakes.web import SCRIPT, Control, FakeFlow


async def test_with_one_idp_the_browser_goes_there_at_once() -> None:
    async with Control() as control:
        told = await control.ask("/_muster/sign-in?return_to=%2Fwork")
        assert told.status == 303
        assert told.location.startswith("https://corp.example.net/authorize?")
        assert told.query["redirect_uri"] == "https://app.example.com/_muster/callback"
        assert told.query["code_challenge_method"] == "S256"
        assert "prompt" not in told.query
        assert len(control.attempts()) == 1


async def test_a_silent_attempt_asks_for_no_prompt() -> None:
    async with Control() as control:
        assert (await control.begin("/_muster/sign-in?silent=1"))["prompt"] == "none"


async def test_a_script_never_starts_an_attempt() -> None:
    async with Control() as control:
        told = await control.ask("/_muster/sign-in", headers=SCRIPT)
        assert told.status == 401
        assert json.loads(told.text)["error"] == "not_signed_in"
        assert told.set_cookies == []


async def test_with_several_idps_the_person_chooses() -> None:
    async with Control(FakeFlow("corp", "Example Corp"), FakeFlow("lab", "The Lab")) as control:
        told = await control.ask("/_muster/sign-in?return_to=%2Fwork%3Fa%3D1")
        assert told.status == 200
        assert "Example Corp" in told.text
        assert "The Lab" in told.text
        assert 'href="/_muster/sign-in?idp=lab&amp;return_to=%2Fwork%3Fa%3D1"' in told.text
        chosen = await control.ask("/_muster/sign-in?idp=lab&return_to=%2Fwork")
        assert urlsplit(chosen.location).netloc == "lab.example.net"


async def test_an_unknown_idp_is_chosen_again() -> None:
    async with Control(FakeFlow("corp"), FakeFlow("lab")) as control:
        assert (await control.ask("/_muster/sign-in?idp=nobody")).status == 200


async def test_a_silent_sign_in_continues_with_the_sessions_idp() -> None:
    async with Control(FakeFlow("lab"), FakeFlow("corp")) as control:
        control.sign_in_directly()
        told = await control.ask("/_muster/sign-in?silent=1")
        assert urlsplit(told.location).netloc == "corp.example.net"


async def test_an_idp_that_is_down_is_a_503_with_a_time() -> None:
    async with Control() as control:
        control.flow.unready = Trouble(detail="connect", retry_after=7.5)
        told = await control.ask("/_muster/sign-in?return_to=%2Fwork")
        assert told.status == 503
        assert told.headers["Retry-After"] == "7"
        assert told.set_cookies == []
        assert control.journal.idp_failures == [("corp", Reason.IDP_TROUBLE, "connect")]


async def test_an_idp_that_rejects_us_is_not_the_persons_fault() -> None:
    async with Control() as control:
        control.flow.unready = Misconfigured(code="discovery_issuer_mismatch")
        told = await control.ask("/_muster/sign-in")
        assert told.status == 502
        assert "not your fault" in told.text
        assert control.journal.idp_failures[0][1] is Reason.IDP_MISCONFIGURED


async def test_ten_tabs_may_sign_in_at_once_and_the_eleventh_clears_the_oldest() -> None:
    async with Control() as control:
        for _ in range(10):
            await control.begin()
        oldest = control.attempts()[0]
        await control.begin()
        assert len(control.attempts()) == 10
        assert oldest not in control.attempts()


@pytest.mark.parametrize(
    ("target", "end"),
    [
        ("/work?x=1", "/work?x=1"),
        ("", "/"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/_muster/profile", "/_muster/profile"),
        ("/_muster/sign-out", "/"),
        ("/_muster/sign-in?return_to=/", "/"),
        ("/_musterx", "/_musterx"),
    ],
)
def test_a_sign_in_ends_on_a_path_of_ours(target: str, end: str) -> None:
    assert landing(target) == end
