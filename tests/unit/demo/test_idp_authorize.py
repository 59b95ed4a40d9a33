from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from proxy.demo.browser import Browser
from proxy.demo.idp import DemoIdp
from proxy.demo.idp_authorize import is_loopback

BACK = "http://127.0.0.1:1/back"


@pytest.fixture
async def idp() -> AsyncIterator[DemoIdp]:
    idp = DemoIdp(algorithm="ES256")
    await idp.start()
    yield idp
    await idp.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


def address(idp: DemoIdp, **changed: str) -> str:
    asked = {
        "client_id": "muster",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid",
        "state": "st",
        "code_challenge": "c",
        "code_challenge_method": "S256",
        **changed,
    }
    return f"{idp.issuer}/authorize?{urlencode(asked)}"


async def choose(idp: DemoIdp, browser: Browser, url: str, **form: str) -> tuple[int, dict[str, str]]:
    """The status and the answer's parameters of pressing a button on the sign-in page."""
    return read(await browser.send("POST", url, data=form, headers={}))


def read(page: object) -> tuple[int, dict[str, str]]:
    query = urlsplit(getattr(page, "headers", {}).get("Location", "")).query
    return getattr(page, "status", 0), {name: values[0] for name, values in parse_qs(query).items()}


async def test_choosing_a_person_sends_a_code_with_state_and_issuer(idp: DemoIdp, browser: Browser) -> None:
    status, answer = await choose(idp, browser, address(idp), login="alice")
    assert status == 303
    assert answer["state"] == "st"
    assert answer["iss"] == idp.issuer
    assert answer["code"]


async def test_the_sign_in_page_lists_the_people(idp: DemoIdp, browser: Browser) -> None:
    page = await browser.open(address(idp))
    assert page.status == 200
    assert "Alice Archer" in page.text


async def test_a_second_sign_in_is_silent(idp: DemoIdp, browser: Browser) -> None:
    await choose(idp, browser, address(idp), login="alice")
    status, answer = read(await browser.send("GET", address(idp, prompt="none"), headers={}))
    assert status == 303
    assert "code" in answer


async def test_prompt_none_without_a_visit_is_login_required(idp: DemoIdp, browser: Browser) -> None:
    _, answer = read(await browser.send("GET", address(idp, prompt="none"), headers={}))
    assert answer == {"error": "login_required", "state": "st", "iss": idp.issuer}


async def test_prompt_login_asks_again(idp: DemoIdp, browser: Browser) -> None:
    await choose(idp, browser, address(idp), login="alice")
    assert (await browser.send("GET", address(idp, prompt="login"), headers={})).status == 200


async def test_cancel_is_access_denied(idp: DemoIdp, browser: Browser) -> None:
    _, answer = await choose(idp, browser, address(idp), cancel="yes")
    assert answer["error"] == "access_denied"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
    ],
)
async def test_a_faulty_request_goes_back_with_its_code(
    idp: DemoIdp, browser: Browser, changed: dict[str, str], error: str
) -> None:
    for method in ("GET", "POST"):
        _, answer = read(await browser.send(method, address(idp, **changed), headers={}))
        assert answer["error"] == error


@pytest.mark.parametrize("changed", [{"redirect_uri": "https://evil.example/"}, {"client_id": "other"}])
async def test_nobody_is_sent_to_an_address_that_is_not_the_clients(
    idp: DemoIdp, browser: Browser, changed: dict[str, str]
) -> None:
    for method in ("GET", "POST"):
        page = await browser.send(method, address(idp, **changed), data={"login": "alice"}, headers={})
        assert page.status == 400
        assert "Location" not in page.headers


async def test_a_suspended_person_cannot_sign_in_and_is_no_longer_known(
    idp: DemoIdp, browser: Browser
) -> None:
    await choose(idp, browser, address(idp), login="alice")
    idp.state.accounts["alice"].is_suspended = True
    _, silent = read(await browser.send("GET", address(idp, prompt="none"), headers={}))
    assert silent["error"] == "login_required"
    status, _ = await choose(idp, browser, address(idp), login="alice")
    assert status == 403


async def test_an_unknown_name_is_asked_again(idp: DemoIdp, browser: Browser) -> None:
    status, answer = await choose(idp, browser, address(idp), login="nobody")
    assert (status, answer) == (400, {})


async def test_the_end_of_a_session_forgets_the_browser_and_goes_back(idp: DemoIdp, browser: Browser) -> None:
    await choose(idp, browser, address(idp), login="alice")
    asked = urlencode({"post_logout_redirect_uri": BACK, "state": "x"})
    page = await browser.send("GET", f"{idp.issuer}/end_session?{asked}", headers={})
    assert page.headers["Location"] == f"{BACK}?state=x"
    assert not idp.state.grants.visits
    assert browser.jar.names("127.0.0.1") == set()


async def test_the_end_of_a_session_sends_nobody_off_the_machine(idp: DemoIdp, browser: Browser) -> None:
    asked = urlencode({"post_logout_redirect_uri": "https://evil.example/"})
    page = await browser.send("GET", f"{idp.issuer}/end_session?{asked}", headers={})
    assert page.status == 200
    assert "Location" not in page.headers


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "https://app.localhost/x", "http://localhost/"])
def test_loopback_addresses_are(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url", ["https://example.com/", "//127.0.0.1/", "http://evil-localhost/", "javascript:0", ""]
)
def test_other_addresses_are_not_loopback(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize("asked", [{"acr_values": "strong"}, {"max_age": "30"}])
async def test_what_the_session_does_not_prove_is_asked_again(
    idp: DemoIdp, browser: Browser, asked: dict[str, str]
) -> None:
    await choose(idp, browser, address(idp), login="alice")
    for cookie, visit in idp.state.grants.visits.items():
        idp.state.grants.visits[cookie] = replace(visit, auth_time=visit.auth_time - 60)
    assert read(await browser.send("GET", address(idp), headers={}))[0] == 303
    assert read(await browser.send("GET", address(idp, **asked), headers={}))[0] == 200
    silent = read(await browser.send("GET", address(idp, prompt="none", **asked), headers={}))
    assert silent[1]["error"] == "login_required"
    status, _ = await choose(idp, browser, address(idp, **asked), login="alice")
    assert status == 303
    assert read(await browser.send("GET", address(idp, **asked), headers={}))[0] == 303
    idp.state.options.heeds_step_up = False
    assert (
        read(await browser.send("GET", address(idp, acr_values="other", max_age="0"), headers={}))[0] == 303
    )
