import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from proxy.gate.decision import Deny, Kind, Request, SignIn
from proxy.reasons import Reason
from proxy.session.step_up import Demand
from proxy.web.answers import Answer
from proxy.web.parts import Site
from proxy.web.render import Pages

PAGES = Pages(Site(public_url="https://app.example.com", is_cookie_secure=True))


def asked(target: bytes = b"/work?x=1&y=%2F", method: bytes = b"GET", mode: bytes = b"navigate") -> Request:
    return Request(
        method=method,
        target=target,
        path=target.partition(b"?")[0],
        headers=[(b"Sec-Fetch-Mode", mode)] if mode else [],
        names=[b"sec-fetch-mode"] if mode else [],
        host=b"app.example.com",
        cookie=None,
        peer="192.0.2.1",
        scheme="https",
    )


def sign_in(kind: Kind = Kind.NAVIGATION, *, is_silent: bool = False) -> SignIn:
    return SignIn(reason=Reason.NOT_SIGNED_IN, kind=kind, is_silent=is_silent)


def return_to(answer: Answer) -> str:
    return parse_qs(urlsplit(answer.header("Location") or "").query)["return_to"][0]


def test_a_navigation_is_sent_to_sign_in_and_back_to_path_and_query() -> None:
    answer = PAGES.answer(sign_in(), asked())
    assert answer.status == 303
    assert answer.header("Location") == (
        "https://app.example.com/_muster/sign-in?return_to=%2Fwork%3Fx%3D1%26y%3D%252F"
    )
    assert return_to(answer) == "/work?x=1&y=%2F"


def test_who_says_nothing_but_is_a_navigation_by_the_paths_rule_is_told_so_to_the_sign_in_page() -> None:
    silent = PAGES.answer(sign_in(), asked(mode=b"")).header("Location") or ""
    assert silent.endswith("&navigation=1")
    for mode in (b"navigate", b"cors"):
        assert "navigation=1" not in (PAGES.answer(sign_in(), asked(mode=mode)).header("Location") or "")


def test_a_silent_sign_in_says_so() -> None:
    location = PAGES.answer(sign_in(is_silent=True), asked()).header("Location") or ""
    assert location.endswith("&silent=1")


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE"])
def test_a_form_sent_without_a_session_is_never_lost_in_a_redirect(method: bytes) -> None:
    """The page stands at the form's own address: once signed in, in another tab, a reload sends the form again."""
    answer = PAGES.answer(sign_in(), asked(method=method))
    assert (answer.status, answer.header("Location")) == (401, None)
    assert answer.header("WWW-Authenticate") is not None
    assert b"send it again" in answer.body
    assert b'href="https://app.example.com/_muster/sign-in?return_to=%2F" target="_blank"' in answer.body


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("status", [401, 403, 503])
def test_no_cache_may_keep_an_answer_in_the_apps_place(kind: Kind, status: int) -> None:
    verdict = sign_in(kind) if status == 401 else Deny(status=status, reason=Reason.NO_SEAT, kind=kind)
    answer = PAGES.answer(verdict, asked())
    assert answer.header("Cache-Control") == "no-store"
    assert {"Cookie", "Origin", "Accept"} <= set((answer.header("Vary") or "").split(", "))


@pytest.mark.parametrize("kind", [Kind.SCRIPT, Kind.GRPC])
@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_script_of_a_listed_origin_can_read_every_refusal(kind: Kind, status: int) -> None:
    site = Site(
        public_url="https://app.example.com",
        is_cookie_secure=True,
        cors_origins=frozenset({b"https://spa.example.net"}),
    )
    request = asked()
    request.headers, request.names = [(b"Origin", b"https://spa.example.net")], [b"origin"]
    verdict = sign_in(kind) if status == 401 else Deny(status=status, reason=Reason.NO_SEAT, kind=kind)
    answer = Pages(site).answer(verdict, request)
    assert answer.header("Access-Control-Allow-Origin") == "https://spa.example.net"
    assert PAGES.answer(verdict, request).header("Access-Control-Allow-Origin") is None


STRONG = SignIn(
    reason=Reason.INSUFFICIENT_AUTHENTICATION,
    kind=Kind.NAVIGATION,
    demand=Demand(acr_values=("urn:a", "urn:b"), max_age=300),
)


def test_a_navigation_that_must_prove_more_goes_to_sign_in_with_what_is_demanded() -> None:
    answer = PAGES.answer(STRONG, asked())
    assert answer.status == 303
    query = parse_qs(urlsplit(answer.header("Location") or "").query)
    assert query == {"return_to": ["/work?x=1&y=%2F"], "acr_values": ["urn:a urn:b"], "max_age": ["300"]}


def test_a_script_that_must_prove_more_reads_what_is_demanded() -> None:
    answer = PAGES.answer(replace(STRONG, kind=Kind.SCRIPT), asked())
    assert answer.status == 401
    assert json.loads(answer.body) == {
        "error": "insufficient_user_authentication",
        "sign_in": "https://app.example.com/_muster/sign-in?acr_values=urn%3Aa%20urn%3Ab&max_age=300",
        "acr_values": "urn:a urn:b",
        "max_age": "300",
    }
    assert 'acr_values="urn:a urn:b", max_age="300"' in (answer.header("WWW-Authenticate") or "")


def test_a_form_that_must_prove_more_is_not_lost_either() -> None:
    answer = PAGES.answer(STRONG, asked(method=b"POST"))
    assert (answer.status, answer.header("Location")) == (401, None)
    assert b"Confirm that it is you" in answer.body
    assert b"max_age=300" in answer.body
    assert "insufficient_user_authentication" in (answer.header("WWW-Authenticate") or "")


def test_a_grpc_client_that_must_prove_more_is_unauthenticated() -> None:
    answer = PAGES.answer(replace(STRONG, kind=Kind.GRPC), asked())
    assert (answer.header("grpc-status"), answer.header("grpc-message")) == (
        "16",
        "insufficient_user_authentication",
    )


def test_a_refused_script_gets_no_cookie_and_no_address_to_follow() -> None:
    for kind in (Kind.SCRIPT, Kind.GRPC):
        answer = PAGES.answer(sign_in(kind, is_silent=True), asked())
        assert answer.header("Set-Cookie") is None
        assert answer.header("Location") is None


@pytest.mark.parametrize(
    "target", [b"//evil.example/", b"/\\evil.example", b"https://evil.example/", b"/" + b"a" * 4096]
)
def test_nobody_is_sent_back_to_another_origin(target: bytes) -> None:
    assert return_to(PAGES.answer(sign_in(), asked(target))) == "/"


def test_a_script_hears_401_and_where_to_sign_in() -> None:
    answer = PAGES.answer(sign_in(Kind.SCRIPT), asked())
    assert answer.status == 401
    assert json.loads(answer.body) == {
        "error": "not_signed_in",
        "sign_in": "https://app.example.com/_muster/sign-in",
    }
    assert answer.header("Location") is None
    assert answer.header("WWW-Authenticate") is not None


def test_being_set_up_looks_again_by_itself_within_three_seconds() -> None:
    verdict = Deny(status=503, reason=Reason.BEING_SET_UP, kind=Kind.NAVIGATION, retry_after=2)
    answer = PAGES.answer(verdict, asked())
    assert answer.status == 503
    assert answer.header("Retry-After") == "2"
    assert b'http-equiv="refresh" content="2"' in answer.body
    patient = Deny(status=503, reason=Reason.BEING_SET_UP, kind=Kind.NAVIGATION, retry_after=600)
    assert b'http-equiv="refresh" content="3"' in PAGES.answer(patient, asked()).body


def test_other_pages_do_not_reload_themselves() -> None:
    for reason in (Reason.STORE_UNAVAILABLE, Reason.NO_SEAT, Reason.UPSTREAM_UNAVAILABLE):
        answer = PAGES.answer(Deny(status=503, reason=reason, kind=Kind.NAVIGATION), asked())
        assert b'http-equiv="refresh"' not in answer.body


def test_a_refused_person_reads_why_and_may_use_another_account() -> None:
    answer = PAGES.answer(Deny(status=403, reason=Reason.NO_SEAT, kind=Kind.NAVIGATION), asked())
    assert answer.status == 403
    assert b"No seat left" in answer.body
    assert b"/_muster/sign-in?return_to=%2Fwork%3Fx%3D1%26y%3D%252F&amp;another=1" in answer.body
    assert b"no_seat" in answer.body


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.BAD_REQUEST),
        (421, Reason.WRONG_HOST),
        (502, Reason.BAD_UPSTREAM_ANSWER),
        (504, Reason.UPSTREAM_TIMEOUT),
    ],
)
def test_a_head_that_could_not_be_read_still_gets_a_page(status: int, reason: Reason) -> None:
    answer = PAGES.answer(Deny(status=status, reason=reason, kind=Kind.NAVIGATION), None)
    assert answer.status == status
    assert b"<h1>" in answer.body


def test_a_script_is_denied_in_json() -> None:
    verdict = Deny(status=503, reason=Reason.STORE_UNAVAILABLE, kind=Kind.SCRIPT, retry_after=5)
    answer = PAGES.answer(verdict, asked(), "abc")
    told = json.loads(answer.body)
    assert (told["error"], told["retry_after"], told["incident"]) == ("store_unavailable", 5, "abc")
    assert answer.header("Retry-After") == "5"


def test_an_internal_error_shows_its_number_and_nothing_else() -> None:
    verdict = Deny(status=500, reason=Reason.INTERNAL_ERROR, kind=Kind.NAVIGATION)
    body = PAGES.answer(verdict, asked(), "7f3a").body
    assert b"7f3a" in body
    assert b"Traceback" not in body


def test_what_comes_from_outside_is_never_markup() -> None:
    page = PAGES.page(
        "choose.html",
        choices=[("a&b", "<b>Corp</b>")],
        has_last=True,
        takes_address=True,
        address='"><script>',
        is_unknown=True,
        is_another=True,
        return_to='/"><script>',
    )
    assert b"<script>" not in page.body
    assert b"<b>Corp" not in page.body
    onward = PAGES.page("onward.html", target='/"><script>', idp_name="<b>Corp</b>")
    assert b"<script>" not in onward.body
    assert b"<b>Corp" not in onward.body


def test_every_page_has_a_language_a_landmark_and_works_on_a_small_screen() -> None:
    body = PAGES.refusal(Reason.NO_SEAT, status=403).body
    for needed in (b'<html lang="en">', b"<main>", b'name="viewport"', b"<title>", b"<h1>"):
        assert needed in body
    assert b"<script" not in body
    assert b"style=" not in body


def test_an_address_too_long_to_be_kept_is_announced_to_the_sign_in() -> None:
    location = PAGES.answer(sign_in(), asked(b"/" + b"a" * 4096)).header("Location")
    assert location is not None
    assert location.endswith("/_muster/sign-in?return_to=%2F&cut=1")
