"""Our public key for an IdP to fetch."""

import json

from tests.fakes.client_keys import public_jwk_of
from tests.fakes.web import Control


async def test_an_idp_fetches_the_key_that_proves_us_to_it() -> None:
    async with Control() as control:
        control.flows[0].keys = ({**public_jwk_of("one"), "kid": "k1"},)
        told = await control.ask("/_muster/client-jwks/corp")
        assert (told.status, json.loads(told.text)) == (
            200,
            {"keys": [{**public_jwk_of("one"), "kid": "k1"}]},
        )
        assert told.headers["Content-Type"] == "application/jwk-set+json"
        assert told.headers["Cache-Control"] == "public, max-age=60"
        assert "Set-Cookie" not in told.headers


async def test_while_there_is_no_key_the_set_is_empty() -> None:
    async with Control() as control:
        control.flows[0].keys = ()
        told = await control.ask("/_muster/client-jwks/corp")
        assert (told.status, json.loads(told.text)) == (200, {"keys": []})


async def test_an_idp_that_no_assertion_is_sent_to_finds_nothing_there_and_nobody_else_either() -> None:
    async with Control() as control:
        for name in ("corp", "other"):
            told = await control.ask(f"/_muster/client-jwks/{name}")
            assert (told.status, told.headers["Cache-Control"]) == (404, "no-store")
