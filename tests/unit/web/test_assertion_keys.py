"""The public keys of the assertion, for apps to fetch."""

import json
from dataclasses import replace

from proxy.gate.asserting import Assertions
from proxy.gate.assertion import AssertionRules
from proxy.gate.headers import IdentityHeaders
from proxy.session.codec import KeyRing, SealingKey
from tests.fakes.web import NOW, PUBLIC, Control

RULES = AssertionRules(header="X-Muster-Assertion", issuer=PUBLIC, audience=PUBLIC, life=300.0)


def asserting(ring: KeyRing) -> Assertions:
    return Assertions(ring, RULES, lambda _session, account: IdentityHeaders(user=account.login))


async def test_the_set_is_public_and_may_be_kept_for_minutes() -> None:
    control = Control()
    minted = asserting(control.parts.keys)
    control.parts = replace(control.parts, assertions=minted)
    async with control:
        told = await control.ask("/_muster/jwks.json", headers={})
    assert (told.status, json.loads(told.text)) == (200, {"keys": list(minted.published(NOW))})
    assert told.headers["Content-Type"] == "application/jwk-set+json"
    assert told.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in told.headers


async def test_no_private_number_is_in_it() -> None:
    control = Control()
    ring = KeyRing(keys=(SealingKey(secret=b"a" * 32), SealingKey(secret=b"b" * 32)))
    control.parts = replace(control.parts, assertions=asserting(ring))
    async with control:
        keys = json.loads((await control.ask("/_muster/jwks.json")).text)["keys"]
    assert len(keys) == 2
    assert all(key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"} for key in keys)


async def test_without_an_assertion_there_is_no_set() -> None:
    async with Control() as control:
        told = await control.ask("/_muster/jwks.json")
    assert (told.status, told.headers["Cache-Control"]) == (404, "no-store")
