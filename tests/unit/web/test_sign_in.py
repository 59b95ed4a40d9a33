import html
import json
import re
from urllib.parse import quote, urlsplit

import pytest

from proxy.identity import IdpId
from proxy.oidc.flow import Prompt
from proxy.reasons import Reason
from proxy.session.model import Misconfigured, Trouble
from proxy.session.step_up import Demand
from proxy.web.choosing import ChoosingRules
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
        session = control.due_session()
        sent = await control.begin("/_muster/sign-in?silent=1")
        assert sent["prompt"] == "none"
        assert sent["login_hint"] == session.identity.email


async def test_without_a_session_to_go_on_with_nothing_is_silent() -> None:
    async with Control() as control:
        assert "prompt" not in await control.begin("/_muster/sign-in?silent=1")


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
        assert 'sign-in?return_to=%2Fwork%3Fa%3D1&amp;idp=lab"' in told.text
        chosen = await control.ask("/_muster/sign-in?idp=lab&return_to=%2Fwork")
        assert urlsplit(chosen.location).netloc == "lab.example.net"


async def test_an_unknown_idp_is_chosen_again() -> None:
    async with Control(FakeFlow("corp"), FakeFlow("lab")) as control:
        assert (await control.ask("/_muster/sign-in?idp=nobody")).status == 200


async def test_a_silent_sign_in_continues_with_the_sessions_idp() -> None:
    async with Control(FakeFlow("lab"), FakeFlow("corp")) as control:
        control.due_session()
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


LAB_BY_DOMAIN = ChoosingRules(domains={"lab.example": IdpId("lab")})


def two(choosing: ChoosingRules | None = None) -> Control:
    return Control(FakeFlow("corp", "Example Corp"), FakeFlow("lab", "The Lab"), choosing=choosing)


async def test_without_domains_nobody_is_asked_for_an_address() -> None:
    async with two() as control:
        assert "<form" not in (await control.ask("/_muster/sign-in")).text


async def test_an_address_chooses_its_idp_and_goes_on_as_the_hint() -> None:
    async with two(LAB_BY_DOMAIN) as control:
        page = await control.ask("/_muster/sign-in?return_to=%2Fwork")
        assert 'method="get"' in page.text
        assert '<label for="email">' in page.text
        onward = await control.ask("/_muster/sign-in?return_to=%2Fwork&email=x%40lab.example")
        assert (onward.status, onward.set_cookies) == (200, []), (
            "a form's redirects would fall to form-action"
        )
        target = html.unescape(re.search(r'content="0; url=([^"]+)"', onward.text)[1])  # type: ignore[index]
        assert f'<a class="button" href="{html.escape(target)}">' in onward.text
        sent = await control.ask(target.removeprefix("https://app.example.com"))
        assert urlsplit(sent.location).netloc == "lab.example.net"
        assert sent.query["login_hint"] == "x@lab.example"


async def test_an_address_that_nobody_knows_is_told_and_stands_there_to_be_mended() -> None:
    async with two(LAB_BY_DOMAIN) as control:
        page = await control.ask("/_muster/sign-in?email=x%40elsewhere.example")
        assert page.status == 200
        assert 'role="alert"' in page.text
        assert 'value="x@elsewhere.example"' in page.text


async def test_a_links_hint_chooses_too_and_is_passed_on() -> None:
    async with two(LAB_BY_DOMAIN) as control:
        sent = await control.ask("/_muster/sign-in?login_hint=x%40lab.example")
        assert urlsplit(sent.location).netloc == "lab.example.net"
        assert sent.query["login_hint"] == "x@lab.example"
        page = await control.ask("/_muster/sign-in?login_hint=somebody")
        assert page.text.count("login_hint=somebody") == 2


async def test_the_session_that_goes_on_gives_the_hint_to_its_own_idp_alone() -> None:
    async with two() as control:
        session = control.sign_in_directly()
        assert (await control.begin("/_muster/sign-in?idp=corp"))["login_hint"] == session.identity.email
        assert "login_hint" not in await control.begin("/_muster/sign-in?idp=lab")


async def test_the_last_used_idp_is_gone_to_only_where_the_operator_says_so() -> None:
    async with two(ChoosingRules(goes_to_last=True)) as control:
        control.cookies["__Host-muster-idp"] = "lab"
        assert urlsplit((await control.ask("/_muster/sign-in")).location).netloc == "lab.example.net"
        assert (await control.ask("/_muster/sign-in?choose=1")).status == 200


async def test_while_one_idp_is_enforced_another_is_refused_at_the_start() -> None:
    async with two(ChoosingRules(enforced=IdpId("lab"))) as control:
        refused = await control.ask("/_muster/sign-in?idp=corp&return_to=%2Fwork")
        assert refused.status == 403
        assert "idp_not_allowed" in refused.text
        assert "/_muster/sign-in?return_to=%2Fwork" in refused.text
        assert control.attempts() == []
        assert control.journal.failures == [("idp_not_allowed", "corp", "192.0.2.7")]
        assert urlsplit((await control.ask("/_muster/sign-in")).location).netloc == "lab.example.net"


async def test_a_session_of_another_idp_is_not_continued_silently_while_one_is_enforced() -> None:
    async with two(ChoosingRules(enforced=IdpId("lab"))) as control:
        control.sign_in_directly()
        sent = await control.begin("/_muster/sign-in?silent=1")
        assert "prompt" not in sent
        assert "login_hint" not in sent


async def test_another_account_is_asked_for_without_a_hint_of_the_old_one() -> None:
    async with Control() as control:
        control.sign_in_directly()
        sent = await control.begin("/_muster/sign-in?another=1&return_to=%2Fwork")
        assert sent["prompt"] == "select_account"
        assert "login_hint" not in sent


async def test_with_several_idps_another_account_may_be_another_idps() -> None:
    async with two(ChoosingRules(goes_to_last=True)) as control:
        control.cookies["__Host-muster-idp"] = "lab"
        page = await control.ask("/_muster/sign-in?another=1")
        assert page.text.count("another=1") == 2


async def test_each_idp_of_several_may_have_a_callback_of_its_own() -> None:
    async with two(ChoosingRules(own_callbacks=frozenset({IdpId("lab")}))) as control:
        sent = await control.begin("/_muster/sign-in?idp=lab")
        assert sent["redirect_uri"] == "https://app.example.com/_muster/callback/lab"
        sent = await control.begin("/_muster/sign-in?idp=corp")
        assert sent["redirect_uri"] == "https://app.example.com/_muster/callback"


async def test_an_idp_that_shares_the_callback_with_others_and_sends_no_iss_is_not_gone_to() -> None:
    async with two(ChoosingRules(own_callbacks=frozenset({IdpId("lab")}))) as control:
        for flow in control.flows:
            flow.announces_issuer = False
        refused = await control.ask("/_muster/sign-in?idp=corp")
        assert refused.status == 502
        assert control.attempts() == []
        assert control.journal.idp_failures == [("corp", Reason.IDP_MISCONFIGURED, "issuer_not_announced")]
        assert (await control.ask("/_muster/sign-in?idp=lab")).status == 303


async def test_a_single_idp_cannot_be_mistaken_and_need_not_send_iss() -> None:
    async with Control() as control:
        control.flow.announces_issuer = False
        assert (await control.ask("/_muster/sign-in")).status == 303


async def test_what_another_tab_did_just_now_is_not_done_again() -> None:
    async with Control() as control:
        control.sign_in_directly()
        told = await control.ask("/_muster/sign-in?silent=1&return_to=%2Fwork")
        assert (told.status, told.location) == (303, "https://app.example.com/work")
        assert control.attempts() == []


@pytest.mark.parametrize("is_due", [True, False])
async def test_nobody_goes_in_a_circle_of_silent_sign_ins(is_due: bool) -> None:
    """Whether it is this process that takes the session for due, or another one that sends the browser here."""
    async with Control() as control:
        control.due_session() if is_due else control.sign_in_directly()
        path = "/_muster/sign-in?silent=1&return_to=%2Fwork"
        assert [(await control.ask(path)).status for _ in range(4)] == [303, 303, 303, 401]
        page = await control.ask(path)
        assert "sign_in_loop" in page.text
        assert "/_muster/sign-in?return_to=%2Fwork" in page.text
        assert "refresh" not in page.text, "only the person goes on"
        assert (await control.ask("/_muster/sign-in?silent=1&return_to=%2Fother")).status == 303
        assert "prompt" not in await control.begin("/_muster/sign-in?return_to=%2Fwork")


@pytest.mark.parametrize(
    ("query", "unknown", "sent"),
    [("another=1", Prompt.SELECT_ACCOUNT, "login"), ("silent=1", Prompt.NONE, None)],
)
async def test_a_word_that_the_idp_refuses_in_a_pushed_request_is_said_more_plainly_once(
    query: str, unknown: Prompt, sent: str | None
) -> None:
    async with Control() as control:
        control.due_session()
        control.flow.unknown_prompts = frozenset({unknown})
        assert (await control.begin(f"/_muster/sign-in?{query}")).get("prompt") == sent
        control.flow.unknown_prompts = frozenset(Prompt)
        control.flow.unready = Misconfigured(code="invalid_client")
        assert (await control.ask(f"/_muster/sign-in?{query}")).status == 502


STRONG, RECENT = Demand(acr_values=("urn:a", "urn:b")), Demand(max_age=300)


async def test_a_step_up_asks_the_sessions_own_idp_for_what_the_path_demands() -> None:
    flows = (FakeFlow("corp"), FakeFlow("lab"))
    async with Control(*flows, demands=frozenset({STRONG, RECENT})) as control:
        session = control.sign_in_directly()
        sent = await control.begin("/_muster/sign-in?return_to=%2Fpay&acr_values=urn:a%20urn:b")
        assert (sent["acr_values"], sent["login_hint"]) == ("urn:a urn:b", session.identity.email)
        assert not {"prompt", "max_age"} & sent.keys()
        sent = await control.begin("/_muster/sign-in?return_to=%2Fpay&max_age=300")
        assert sent["max_age"] == "300"


@pytest.mark.parametrize(
    "asked", ["acr_values=urn:evil", "max_age=0", "max_age=300&acr_values=urn:a", "max_age=-1"]
)
async def test_nobody_makes_up_a_demand_for_others(asked: str) -> None:
    async with Control(demands=frozenset({STRONG, RECENT})) as control:
        sent = await control.begin(f"/_muster/sign-in?{asked}")
        assert not {"acr_values", "max_age"} & sent.keys()


async def test_the_choice_of_an_idp_keeps_what_is_demanded() -> None:
    flows = (FakeFlow("corp"), FakeFlow("lab"))
    async with Control(*flows, demands=frozenset({RECENT})) as control:
        told = await control.ask("/_muster/sign-in?return_to=%2Fpay&max_age=300")
        links = [html.unescape(link) for link in re.findall(r'href="([^"]*idp=[^"]*)"', told.text)]
        assert len(links) == 2
        assert all("max_age=300" in link for link in links)


async def test_whose_address_is_too_long_to_be_kept_is_told_before_the_sign_in() -> None:
    lost = "/search?q=" + "a" * 4096
    async with Control() as control:
        for path in ("/_muster/sign-in?return_to=%2F&cut=1&idp=corp", f"/_muster/sign-in?return_to={lost}"):
            told = await control.ask(path)
            assert told.status == 200
            assert "too long to be kept through the sign-in" in told.text
            assert "cut=1" not in told.text
            assert control.attempts() == []
        onward = await control.ask("/_muster/sign-in?return_to=%2F")
        assert onward.status == 303


async def test_an_address_of_4_kib_is_kept() -> None:
    kept = "/search?q=" + "a" * 4000
    async with Control() as control:
        sent = await control.begin(f"/_muster/sign-in?return_to={quote(kept, safe='')}")
        assert sent["state"]
        assert len(control.attempts()) == 1
