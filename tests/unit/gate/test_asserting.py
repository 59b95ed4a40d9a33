"""Signing with the ring's first key; every key that may have signed what is still good is published."""

from dataclasses import replace
from typing import Any

import jwt
import pytest

from proxy.gate.asserting import LEEWAY, Assertions
from proxy.gate.assertion import AssertionRules
from proxy.gate.headers import IdentityHeaders
from proxy.session.codec import KeyRing, SealingKey
from proxy.session.model import Ready, Session
from tests.fakes.people import session

APP = "https://app.example.com"
RULES = AssertionRules(header="X-Muster-Assertion", issuer=APP, audience=APP, life=300.0)
NOW = 1_760_000_000.5
OLD, NEW = (SealingKey(secret=letter * 32) for letter in (b"o", b"n"))


def told(session: Session, account: Ready) -> IdentityHeaders:
    return IdentityHeaders(user=account.login, email=session.identity.email, groups=("a", "b"))


def assertions(*keys: SealingKey, rules: AssertionRules = RULES) -> Assertions:
    return Assertions(KeyRing(keys=keys or (OLD,)), rules, told)


def token_of(minted: Assertions, now: float = NOW, **changes: Any) -> str:
    line = minted.mint(session(**changes), Ready(login="al", account_id="7"), now).line.decode("ascii")
    name, _, value = line.partition(": ")
    assert name == "X-Muster-Assertion"
    assert value.endswith("\r\n")
    return value.removesuffix("\r\n")


def verified(token: str, published: tuple[Any, ...]) -> dict[str, Any]:
    """As an app does it, but for the time."""
    keys = jwt.PyJWKSet.from_dict({"keys": list(published)})
    key = keys[jwt.get_unverified_header(token)["kid"]]
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    said: dict[str, Any] = jwt.decode(
        token, key, algorithms=["ES256"], issuer=APP, audience=APP, options=options
    )
    return said


def test_an_app_verifies_it_with_what_is_published() -> None:
    minted = assertions()
    token = token_of(minted)
    assert verified(token, minted.published(NOW)) == {
        "iss": APP, "aud": APP, "sub": "corp:sub-alice", "idp": "corp", "app_user": "al", "email": "alice@example.com",
        "name": "Alice", "groups": ["a", "b"], "iat": 1_760_000_000, "nbf": 1_760_000_000, "exp": 1_760_000_300,
    }  # fmt: skip
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "ES256", "typ": "JWT", "kid": minted.published(NOW)[0]["kid"]}


@pytest.mark.parametrize("part", [0, 1, 2])
def test_any_altered_part_breaks_it(part: int) -> None:
    minted = assertions()
    parts = token_of(minted).split(".")
    middle = len(parts[part]) // 2
    swapped = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + swapped + parts[part][middle + 1 :]
    with pytest.raises((jwt.InvalidTokenError, KeyError)):
        verified(".".join(parts), minted.published(NOW))


def test_it_is_to_be_made_anew_a_minute_before_it_expires() -> None:
    assert assertions().mint(session(), Ready(login="al"), NOW).renew_at == NOW + 240


def test_what_another_replica_signed_is_verified_by_what_this_one_publishes() -> None:
    assert verified(token_of(assertions()), assertions().published(NOW))


def test_the_ring_of_another_muster_signs_nothing_for_us() -> None:
    with pytest.raises(KeyError):
        verified(token_of(assertions(NEW)), assertions(OLD).published(NOW))


def test_a_key_that_only_opens_is_published_before_it_signs() -> None:
    minted = assertions(OLD, NEW)
    signs, follows = minted.published(NOW)
    assert jwt.get_unverified_header(token_of(minted))["kid"] == signs["kid"]
    assert follows["kid"] == assertions(NEW).published(NOW)[0]["kid"]


def test_rotating_the_ring_rotates_the_signing_key_and_no_verification_fails_on_the_way() -> None:
    ring = KeyRing(keys=(OLD,))
    minted = Assertions(ring, RULES, told)
    before = token_of(minted)
    for step in ((OLD, NEW), (NEW, OLD), (NEW,)):
        ring.adopt(KeyRing(keys=step))
        published = minted.published(NOW + 1)
        assert verified(before, published)
        assert verified(token_of(minted, NOW + 1), published)
    assert jwt.get_unverified_header(token_of(minted))["kid"] == minted.published(NOW)[0]["kid"]
    assert minted.published(NOW)[0] == assertions(NEW).published(NOW)[0]


def test_a_key_that_left_the_ring_is_published_as_long_as_what_it_signed_may_live_and_no_longer() -> None:
    ring = KeyRing(keys=(OLD,))
    minted = Assertions(ring, RULES, told)
    before = token_of(minted)
    expires = verified(before, minted.published(NOW))["exp"]
    ring.adopt(KeyRing(keys=(NEW,)))
    assert verified(before, minted.published(expires + 1))
    assert len(minted.published(NOW + RULES.life + LEEWAY + 1)) == 1


def test_each_line_has_the_operators_name_and_no_line_break() -> None:
    minted = assertions(rules=replace(RULES, header="X-Who"))
    line = minted.mint(session(), Ready(login="a\r\nX-Forwarded-User: root"), NOW).line
    assert line.startswith(b"X-Who: ")
    assert line.count(b"\r\n") == 1


def test_letters_of_any_script_are_said_as_they_are() -> None:
    minted = Assertions(
        KeyRing(keys=(OLD,)),
        RULES,
        lambda _session, _account: IdentityHeaders(user="jörg", groups=("日本, %",)),
    )
    said = verified(token_of(minted), minted.published(NOW))
    assert (said["app_user"], said["groups"]) == ("jörg", ["日本, %"])
