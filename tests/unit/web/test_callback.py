from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import Unavailable
from proxy.identity import IdpId
from proxy.oidc.client import SignedIn as Redeemed
from proxy.reasons import Reason
from proxy.session.model import AskAgain, Authentication, Denied, Misconfigured, Trouble
from proxy.session.step_up import Demand
from proxy.web.choosing import ChoosingRules
from tests.fakes.people import identity
from tests.fakes.web import NOW, Control, FakeFlow


async def test_a_good_callback_makes_a_session_and_goes_where_the_person_wanted() -> None:
    async with Control() as control:
        sent = await control.begin("/_muster/sign-in?return_to=%2Fwork%3Fa%3D1")
        told = await control.come_back(state=sent["state"], code="c0de")
        assert told.status == 303
        assert told.location == "https://app.example.com/work?a=1"
        assert control.flow.redeemed == [("c0de", "https://app.example.com/_muster/callback")]
        assert control.attempts() == []
        assert len(control.sessions.sessions) == 1
        cookie = next(line for line in told.set_cookies if line.startswith("__Host-muster="))
        for part in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=3600"):
            assert part in cookie


async def test_a_new_sign_in_replaces_the_browsers_old_session() -> None:
    async with Control() as control:
        old = control.sign_in_directly()
        sent = await control.begin()
        await control.come_back(state=sent["state"], code="c")
        assert control.arrive.replaced == [old.key]
        assert old.key not in control.sessions.sessions


async def test_two_attempts_at_once_do_not_disturb_each_other() -> None:
    async with Control() as control:
        one, two = await control.begin(), await control.begin()
        assert (await control.come_back(state=one["state"], code="a")).status == 303
        assert (await control.come_back(state=two["state"], code="b")).status == 303


async def test_a_replayed_callback_is_refused_by_the_store_even_with_the_cookie_kept() -> None:
    async with Control() as control:
        sent = await control.begin()
        kept = dict(control.cookies)
        await control.come_back(state=sent["state"], code="c")
        control.cookies.update(kept)
        told = await control.come_back(state=sent["state"], code="c")
        assert told.status == 400
        assert "attempt_replayed" in told.text
        assert len(control.flow.redeemed) == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"state": "forged"}, "no_attempt"),
        ({"iss": "https://evil.example"}, "issuer_mismatch"),
        ({"code": ""}, "code_missing"),
        ({"error": "access_denied"}, "answer_ambiguous"),
    ],
)
async def test_an_altered_callback_is_refused_before_any_network_call(
    changed: dict[str, str], code: str
) -> None:
    async with Control() as control:
        old = control.sign_in_directly()
        sent = await control.begin()
        told = await control.come_back(**{"state": sent["state"], "code": "c", **changed})
        assert told.status == 400
        assert code in told.text
        assert control.flow.redeemed == []
        assert list(control.sessions.sessions) == [old.key]
        assert control.sessions.attempts == set()
        assert control.journal.failures == [(code, None, "192.0.2.7")]


async def test_a_doubled_parameter_is_refused() -> None:
    async with Control() as control:
        sent = await control.begin()
        told = await control.ask(
            f"/_muster/callback?state={sent['state']}&code=a&code=b&iss=https://corp.example.net"
        )
        assert told.status == 400
        assert "duplicate_parameter" in told.text


async def test_a_callback_without_its_cookie_is_refused() -> None:
    async with Control() as control:
        sent = await control.begin()
        control.cookies.clear()
        assert "no_attempt" in (await control.come_back(state=sent["state"], code="c")).text


async def test_two_cookies_that_compete_for_one_attempt_are_none() -> None:
    async with Control() as control:
        sent = await control.begin()
        [name] = control.attempts()
        control.cookies["z"] = f"1; {name}=another"
        assert "no_attempt" in (await control.come_back(state=sent["state"], code="c")).text


async def test_an_attempt_is_good_for_ten_minutes() -> None:
    async with Control() as control:
        sent = await control.begin()
        control.now += 601
        assert "attempt_too_old" in (await control.come_back(state=sent["state"], code="c")).text


async def test_a_broken_callback_clears_no_session_cookie() -> None:
    async with Control() as control:
        control.sign_in_directly()
        told = await control.ask("/_muster/callback")
        assert told.status == 400
        assert told.set_cookies == []


@pytest.mark.parametrize(
    "error", ["login_required", "interaction_required", "consent_required", "account_selection_required"]
)
async def test_a_silent_attempt_that_needs_the_browser_is_followed_by_an_ordinary_one(error: str) -> None:
    async with Control() as control:
        control.due_session()
        sent = await control.begin("/_muster/sign-in?silent=1&return_to=%2Fwork")
        told = await control.come_back(state=sent["state"], error=error)
        assert told.status == 303
        assert "prompt" not in told.query
        assert len(control.attempts()) == 1
        done = await control.come_back(state=told.query["state"], code="c")
        assert done.location == "https://app.example.com/work"


async def test_access_denied_is_a_refusal_that_ends_nothing() -> None:
    async with Control() as control:
        old = control.sign_in_directly()
        sent = await control.begin()
        told = await control.come_back(state=sent["state"], error="access_denied")
        assert told.status == 403
        assert "cancelled" in told.text
        assert "/_muster/sign-in?return_to=%2Fwork" in told.text
        assert list(control.sessions.sessions) == [old.key]
        assert control.sessions.ended == []


async def test_an_ordinary_attempt_does_not_go_round_in_circles() -> None:
    async with Control() as control:
        sent = await control.begin()
        assert (await control.come_back(state=sent["state"], error="login_required")).status == 403


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        ("temporarily_unavailable", 503, Reason.IDP_TROUBLE),
        ("server_error", 503, Reason.IDP_TROUBLE),
        ("invalid_scope", 502, Reason.IDP_MISCONFIGURED),
        ("unauthorized_client", 502, Reason.IDP_MISCONFIGURED),
    ],
)
async def test_the_idps_own_faults_are_told_apart(error: str, status: int, reason: Reason) -> None:
    async with Control() as control:
        sent = await control.begin()
        told = await control.come_back(state=sent["state"], error=error)
        assert told.status == status
        assert control.journal.idp_failures == [("corp", reason, error)]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Denied(marker="User disabled"), 403),
        (AskAgain(code="invalid_grant"), 400),
        (Trouble(detail="http_503"), 503),
        (Misconfigured(code="invalid_client"), 502),
    ],
)
async def test_a_fault_at_the_exchange_ends_nothing(
    answer: Denied | AskAgain | Trouble | Misconfigured, status: int
) -> None:
    async with Control() as control:
        old = control.sign_in_directly()
        control.flow.answer = answer
        sent = await control.begin()
        told = await control.come_back(state=sent["state"], code="c")
        assert told.status == status
        assert list(control.sessions.sessions) == [old.key]
        assert control.sessions.ended == []
        assert "__Host-muster" in control.cookies


async def test_trouble_offers_to_begin_anew_since_the_callback_cannot_be_repeated() -> None:
    async with Control() as control:
        control.flow.answer = Trouble(detail="http_503")
        sent = await control.begin()
        told = await control.come_back(state=sent["state"], code="c")
        assert 'href="https://app.example.com/_muster/sign-in?return_to=%2Fwork"' in told.text
        assert told.headers["Retry-After"] == "5"


async def test_tokens_that_prove_nothing_are_a_401_with_a_code() -> None:
    async with Control() as control:
        control.flow.distrust = "nonce_mismatch"
        sent = await control.begin()
        told = await control.come_back(state=sent["state"], code="c")
        assert told.status == 401
        assert "nonce_mismatch" in told.text
        assert control.sessions.sessions == {}
        assert control.journal.failures == [("nonce_mismatch", "corp", "192.0.2.7")]
        assert control.attempts() == []


async def test_a_store_that_is_away_is_a_503() -> None:
    async with Control() as control:
        sent = await control.begin()
        control.sessions.down = True
        told = await control.come_back(state=sent["state"], code="c")
        assert told.status == 503
        assert control.flow.redeemed == []


async def test_a_store_that_fails_at_the_arrival_makes_no_cookie() -> None:
    async with Control() as control:
        control.arrive.failure = Unavailable("away")
        sent = await control.begin()
        told = await control.come_back(state=sent["state"], code="c")
        assert told.status == 503
        assert "__Host-muster" not in control.cookies


async def test_an_attempt_at_an_idp_that_left_the_configuration_is_refused() -> None:
    async with Control(FakeFlow("corp"), FakeFlow("lab")) as control:
        sent = await control.begin("/_muster/sign-in?idp=lab")
        control.parts.flows.pop("lab")  # type: ignore[attr-defined]  # the fake's mapping is a dict
        told = await control.come_back(state=sent["state"], code="c", iss="https://lab.example.net")
        assert "idp_unknown" in told.text


async def test_one_idps_answer_is_not_taken_for_anothers() -> None:
    async with Control(FakeFlow("corp"), FakeFlow("lab")) as control:
        sent = await control.begin("/_muster/sign-in?idp=lab")
        told = await control.come_back(state=sent["state"], code="c", iss="https://corp.example.net")
        assert "issuer_mismatch" in told.text
        assert control.flows[0].redeemed == control.flows[1].redeemed == []


async def test_an_attempt_that_began_before_another_idp_was_enforced_is_refused_at_its_callback() -> None:
    async with Control(FakeFlow("corp"), FakeFlow("lab"), choosing=ChoosingRules()) as control:
        old = control.sign_in_directly()
        sent = await control.begin("/_muster/sign-in?idp=corp")
        cookies = control.cookies
        async with Control(*control.flows, choosing=ChoosingRules(enforced=IdpId("lab"))) as later:
            later.cookies = cookies
            told = await later.come_back(state=sent["state"], code="c")
            assert told.status == 403
            assert "idp_not_allowed" in told.text
            assert control.flow.redeemed == []
            assert later.arrive.replaced == []
            assert later.attempts() == []
        assert list(control.sessions.sessions) == [old.key]


@pytest.mark.parametrize("error", ["invalid_request", "account_selection_required", "interaction_required"])
async def test_an_idp_without_a_page_to_choose_accounts_is_asked_for_its_sign_in_page_once(
    error: str,
) -> None:
    async with Control() as control:
        sent = await control.begin("/_muster/sign-in?another=1&return_to=%2Fwork")
        told = await control.come_back(state=sent["state"], error=error)
        assert told.query["prompt"] == "login"
        last = await control.come_back(state=told.query["state"], error=error)
        assert last.status in {403, 502}


async def test_whoever_cancels_another_account_is_told_so() -> None:
    async with Control() as control:
        sent = await control.begin("/_muster/sign-in?another=1")
        assert (await control.come_back(state=sent["state"], error="access_denied")).status == 403


async def test_a_silent_attempt_that_the_idp_does_not_understand_is_followed_by_an_ordinary_one() -> None:
    async with Control() as control:
        control.due_session()
        sent = await control.begin("/_muster/sign-in?silent=1")
        told = await control.come_back(state=sent["state"], error="invalid_request")
        assert (told.status, "prompt" in told.query) == (303, False)


async def test_a_silent_sign_in_goes_on_with_the_session_and_an_ordinary_one_does_not() -> None:
    async with Control() as control:
        old = control.due_session()
        for path, continued in (("silent=1", old), ("idp=corp", None)):
            sent = await control.begin(f"/_muster/sign-in?{path}")
            assert (await control.come_back(state=sent["state"], code="c")).status == 303
            assert control.arrive.continued[-1] == continued
        assert control.arrive.replaced[0] == old.key


# --- step-up ------------------------------------------------------------------------------------------------------

DEMAND = Demand(acr_values=("urn:a",), max_age=300)
STEP_UP = "/_muster/sign-in?return_to=%2Fpay&acr_values=urn:a&max_age=300"


def stepping_up(**proved: Any) -> Control:
    control = Control(demands=frozenset({DEMAND}))
    assert isinstance(control.flow.answer, Redeemed)
    control.flow.answer = replace(control.flow.answer, authentication=Authentication(**proved))
    return control


async def test_what_was_demanded_and_is_proved_makes_the_new_session() -> None:
    async with stepping_up(acr="urn:a", at=NOW - 10) as control:
        old = control.sign_in_directly()
        sent = await control.begin(STEP_UP)
        told = await control.come_back(state=sent["state"], code="c")
        assert (told.status, told.location) == (303, "https://app.example.com/pay")
        assert control.arrive.replaced == [old.key]


@pytest.mark.parametrize(
    "proved",
    [
        {},
        {"acr": "urn:a"},
        {"at": NOW},
        {"acr": "urn:b", "at": NOW},
        {"acr": "urn:a", "at": NOW - 400},
        {"acr": "urn:a", "at": NOW + 100},
    ],
)
async def test_what_is_not_proved_is_asked_once_more_and_then_refused(proved: dict[str, Any]) -> None:
    """The session that was there stays; there is no circle."""
    async with stepping_up(**proved) as control:
        old = control.sign_in_directly()
        sent = await control.begin(STEP_UP)
        told = await control.come_back(state=sent["state"], code="c")
        again = told.query
        assert told.location.startswith("https://corp.example.net/authorize?")
        assert (again["prompt"], again["acr_values"], again["max_age"]) == ("login", "urn:a", "300")
        told = await control.come_back(state=again["state"], code="d")
        assert (told.status, "insufficient_user_authentication" in told.text) == (403, True)
        assert "Location" not in told.headers
        assert control.arrive.replaced == []
        assert old.key in control.sessions.sessions
        assert control.attempts() == []
        assert [code for code, _, _ in control.journal.failures] == ["insufficient_user_authentication"]


async def test_an_idp_that_says_itself_that_it_cannot_is_refused_at_once() -> None:
    async with stepping_up() as control:
        sent = await control.begin(STEP_UP)
        told = await control.come_back(state=sent["state"], error="unmet_authentication_requirements")
        assert (told.status, "This needs a stronger sign-in" in told.text) == (403, True)
        assert "max_age=300" in told.text


async def test_another_person_at_a_step_up_is_a_new_sign_in_of_their_own() -> None:
    async with stepping_up(acr="urn:a", at=NOW) as control:
        old = control.sign_in_directly()
        assert isinstance(control.flow.answer, Redeemed)
        control.flow.answer = replace(control.flow.answer, identity=identity("bob", idp=IdpId("corp")))
        sent = await control.begin(STEP_UP)
        assert (await control.come_back(state=sent["state"], code="c")).status == 303
        assert control.arrive.replaced == [old.key]
        assert control.arrive.continued == [None]
        (made,) = control.sessions.sessions.values()
        assert made.identity.username == "bob"


async def test_an_ordinary_sign_in_demands_nothing() -> None:
    async with stepping_up() as control:
        sent = await control.begin()
        assert (await control.come_back(state=sent["state"], code="c")).location.endswith("/work")
