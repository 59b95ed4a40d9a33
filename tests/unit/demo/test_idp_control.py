from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from proxy.demo.browser import Browser
from proxy.demo.idp import DemoIdp
from proxy.demo.idp_state import Outage


@pytest.fixture
async def idp() -> AsyncIterator[DemoIdp]:
    idp = DemoIdp(algorithm="ES256")
    await idp.start()
    yield idp
    await idp.stop()


async def post(idp: DemoIdp, path: str, body: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{idp.issuer}/control/{path}", json=body) as answer,
    ):
        return answer.status, await answer.json() if answer.status == 200 else await answer.text()


async def get_status(url: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status


async def test_groups_the_claim_and_the_account_can_be_changed(idp: DemoIdp) -> None:
    status, told = await post(idp, "people/alice", {"groups": ["a"], "omit_groups": True, "suspended": True})
    assert status == 200
    alice = next(person for person in told["people"] if person["login"] == "alice")
    assert (alice["groups"], alice["omit_groups"], alice["suspended"]) == (["a"], True, True)


async def test_what_is_not_named_stays(idp: DemoIdp) -> None:
    await post(idp, "people/alice", {"suspended": True})
    await post(idp, "people/alice", {"groups": []})
    account = idp.state.accounts["alice"]
    assert account.is_suspended
    assert account.groups == ()
    await post(idp, "people/alice", {"suspended": False})
    assert not account.is_suspended


async def test_the_page_does_the_same_by_forms(idp: DemoIdp) -> None:
    async with Browser() as browser:
        page = await browser.open(f"{idp.issuer}/control")
        groups, claim, account = [form for form in page.forms if form.action.endswith("/people/alice")]
        await browser.submit(page, groups, groups=" one, two ,")
        await browser.submit(page, claim, omit_groups="yes")
        page = await browser.submit(page, account, suspended="yes")
    alice = idp.state.accounts["alice"]
    assert (alice.groups, alice.is_groups_claim_left_out, alice.is_suspended) == (("one", "two"), True, True)
    assert page.status == 200
    assert "Re-enable" in page.text


async def test_another_sites_form_is_refused(idp: DemoIdp) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    async with Browser() as browser:
        page = await browser.send(
            "POST", f"{idp.issuer}/control/people/alice", data={"suspended": "yes"}, headers=headers
        )
    assert page.status == 403
    assert not idp.state.accounts["alice"].is_suspended


async def test_the_secret_can_be_rotated_and_is_not_told(idp: DemoIdp) -> None:
    _, told = await post(idp, "secret", {"client_secret": "n3w"})
    assert idp.state.options.client_secret == "n3w"
    assert "n3w" not in str(told)


@pytest.mark.parametrize("kind", [Outage.UNAVAILABLE, Outage.CLOSING])
async def test_an_outage_reaches_everything_but_the_control_page(idp: DemoIdp, kind: Outage) -> None:
    await post(idp, "outage", {"outage": kind.value})
    jwks = f"{idp.issuer}/jwks"
    if kind is Outage.CLOSING:
        with pytest.raises(aiohttp.ClientConnectionError):
            await get_status(jwks)
    else:
        assert await get_status(jwks) == 503
    assert await get_status(f"{idp.issuer}/control/state") == 200
    await post(idp, "outage", {"outage": "none"})
    assert await get_status(jwks) == 200


async def test_options_can_be_changed_and_unknown_ones_are_refused(idp: DemoIdp) -> None:
    await post(idp, "options", {"access_life": 3, "denied_marker": None, "token_delay": 0.5})
    options = idp.state.options
    assert (options.access_life, options.denied_marker, options.token_delay) == (3.0, None, 0.5)
    assert (await post(idp, "options", {"client_secret": "x"}))[0] == 400


async def test_keys_can_be_rotated(idp: DemoIdp) -> None:
    await post(idp, "keys", {"keep": False})
    assert len(idp.state.keys.published()["keys"]) == 1


@pytest.mark.parametrize(
    ("path", "body"), [("people/nobody", {}), ("outage", {"outage": "x"}), ("options", [])]
)
async def test_nonsense_is_refused(idp: DemoIdp, path: str, body: Any) -> None:
    assert (await post(idp, path, body))[0] in {400, 404}
