"""Muster proves itself to the certified IdP by key, by certificate and through pushed requests: sign-in and refresh."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.apps import demo_app
from tests.e2e.idps import certified_idp
from tests.e2e.stack import SOON, Stack, running
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser
from tests.fakes.client_keys import certificate_of, pem_of, public_jwk_of, write_pair, write_private
from tests.fakes.idp import make_certificate
from tests.partners import oidc_provider

pytestmark = [
    pytest.mark.partner,
    pytest.mark.skipif(oidc_provider.missing() is not None, reason=str(oidc_provider.missing())),
]

PUSHED = b"POST /request "
BY_KEY = {"client_secret": None, "client_auth": "private_key_jwt", "client_key": {"file": "client.key"}}
BY_CERTIFICATE = {
    "client_secret": None,
    "client_auth": "self_signed_tls_client_auth",
    "client_key": {"file": "client.key"},
    "client_certificate": "client.crt",
    "userinfo": "always",
}


def registered_keys(*names: str) -> dict[str, Any]:
    keys = [{**public_jwk_of(name), "kid": name} for name in names]
    return {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": keys}}


def registered_certificates(*names: str) -> dict[str, Any]:
    """Access tokens are bound to the certificate, so that userinfo wants to see it too (RFC 8705 §3)."""
    keys = []
    for name in names:
        der = "".join(certificate_of(name).splitlines()[1:-1])
        keys.append({**public_jwk_of(name), "x5c": [der], "kid": name})
    return {
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "tls_client_certificate_bound_access_tokens": True,
        "jwks": {"keys": keys},
    }


@asynccontextmanager
async def proven(
    tmp_path: Path,
    client: Mapping[str, Any] | None,
    entry: Mapping[str, Any],
    certificate: Path | None = None,
) -> AsyncIterator[Stack]:
    """The IdP knows Muster as `client`; Muster's own entry has `entry`. The key `one` stands in client.key and client.crt."""
    folder = tmp_path / "muster"
    folder.mkdir()
    write_pair(folder, "one")
    env: dict[str, Any] = {"TLS_FILE": str(certificate)} if certificate else {}
    async with (
        certified_idp(tmp_path / "idp", client=client, **env) as idp,
        demo_app() as app,
        running(idp, app, folder, idp=dict(entry)) as stack,
    ):
        yield stack


async def signs_in_and_is_refreshed(stack: Stack, browser: Browser) -> None:
    page = await stack.sign_in(browser, "alice")
    assert (page.status, stack.app.shown(page)) == (200, "alice"), page.text
    await stack.refreshed(browser, times=2)


async def refusal_is_ridden_out(stack: Stack, browser: Browser) -> None:
    """Returns once the alarm was raised; every request on the way is served."""

    async def look() -> bool:
        answer = await stack.look(browser)
        assert answer.status == 200, answer.text
        return stack.muster.has_logged("idp_misconfigured")

    await eventually(look, bool, within=SOON, what="idp_misconfigured in the log")


async def test_by_key_and_with_a_key_that_was_rotated_meanwhile(tmp_path: Path, browser: Browser) -> None:
    async with proven(tmp_path, registered_keys("one", "two"), BY_KEY) as stack:
        await signs_in_and_is_refreshed(stack, browser)
        write_private(tmp_path / "muster" / "client.key", pem_of("two"))
        await stack.idp.server.put_client("muster", **registered_keys("two"))  # type: ignore[attr-defined]
        await stack.refreshed(browser, times=2)
        assert await stack.idp.refused() == 0


async def test_a_key_that_the_idp_no_longer_knows_signs_nobody_out(tmp_path: Path, browser: Browser) -> None:
    async with proven(tmp_path, registered_keys("one"), BY_KEY) as stack:
        await signs_in_and_is_refreshed(stack, browser)
        await stack.idp.server.put_client("muster", **registered_keys("two"))  # type: ignore[attr-defined]
        await refusal_is_ridden_out(stack, browser)
        write_private(tmp_path / "muster" / "client.key", "half of a ke")
        assert (await stack.look(browser)).status == 200
        write_private(tmp_path / "muster" / "client.key", pem_of("two"))
        await stack.refreshed(browser)


async def test_where_only_pushed_requests_are_taken(tmp_path: Path, browser: Browser) -> None:
    registered = {**registered_keys("one"), "require_pushed_authorization_requests": True}
    async with proven(tmp_path, registered, BY_KEY) as stack:
        await signs_in_and_is_refreshed(stack, browser)
        lines = [exchange.line for exchange in stack.idp.relay.exchanges]
    assert sum(line == "POST /request" for line in lines) == 1
    (carried,) = [line for line in lines if line.startswith("GET /auth?")]
    assert "request_uri=" in carried
    assert "state=" not in carried


async def test_an_idp_in_trouble_at_the_pushed_request_is_a_page_and_no_way_around_it(
    tmp_path: Path, browser: Browser
) -> None:
    async with proven(tmp_path, registered_keys("one"), {**BY_KEY, "timeout": "1s"}) as stack:
        hold = stack.idp.relay.hold(PUSHED)
        page = await browser.go(stack.page)
        assert page.status == 503
        assert "Traceback" not in page.text
        assert not any(exchange.line.startswith("GET /auth") for exchange in stack.idp.relay.exchanges)
        stack.idp.relay.stop_holding()
        hold.drop()
        assert (await stack.sign_in(browser, "alice")).status == 200


async def test_by_a_self_signed_certificate_and_its_successor(tmp_path: Path) -> None:
    server = make_certificate(tmp_path)
    entry = {**BY_CERTIFICATE, "ca_file": str(server)}
    client = registered_certificates("one", "two")
    async with (
        Browser(trust=ssl.create_default_context(cafile=server)) as browser,
        proven(tmp_path, client, entry, server) as stack,
    ):
        await signs_in_and_is_refreshed(stack, browser)
        write_pair(tmp_path / "muster", "two")
        await stack.idp.server.put_client("muster", **registered_certificates("two"))  # type: ignore[attr-defined]
        await stack.refreshed(browser, times=2)
        assert await stack.idp.refused() == 0


async def test_by_a_key_that_the_idp_fetches_from_us(tmp_path: Path, browser: Browser) -> None:
    """Nobody pastes a key anywhere."""
    async with proven(tmp_path, registered_keys("one"), BY_KEY) as stack:
        fetched = {"jwks": None, "jwks_uri": stack.muster.url("/_muster/client-jwks/corp")}
        await stack.idp.server.put_client("muster", **fetched)  # type: ignore[attr-defined]
        await signs_in_and_is_refreshed(stack, browser)
