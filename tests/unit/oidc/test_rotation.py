"""Newer keys are looked for once, and only where a rotation would explain the failure."""

import pytest

from proxy.errors import NotTrusted
from proxy.oidc.keys import KeySet, read_keys
from proxy.oidc.rotation import checked
from proxy.session.model import Misconfigured, Trouble
from tests.fakes.idp import NOW, published, rsa_key

OLD = read_keys(published(rsa_key("old")))
NEW = read_keys(published(rsa_key("new")))


class Published:
    """Keys as told; how often newer ones were asked for."""

    def __init__(
        self, first: KeySet | Trouble | Misconfigured, newer: KeySet | Trouble | Misconfigured
    ) -> None:
        self.first = first
        self.newer = newer
        self.asked = 0
        self.is_from_idp = False

    async def keys(self, now: float) -> KeySet | Trouble | Misconfigured:
        return self.first

    async def newer_keys(
        self, seen: KeySet, now: float, *, is_from_idp: bool = False
    ) -> KeySet | Trouble | Misconfigured:
        self.asked += 1
        self.is_from_idp = is_from_idp
        return self.newer


async def test_a_token_under_a_known_key_asks_for_no_other() -> None:
    published_keys = Published(OLD, NEW)
    assert await checked(published_keys, lambda keys: "good", NOW) == "good"
    assert published_keys.asked == 0


@pytest.mark.parametrize("code", ["key_unknown", "key_ambiguous", "signature_bad"])
async def test_a_token_under_a_newer_key_is_checked_with_it(code: str) -> None:
    def check(keys: KeySet) -> str:
        if keys is OLD:
            raise NotTrusted(code)
        return "good"

    published_keys = Published(OLD, NEW)
    assert await checked(published_keys, check, NOW) == "good"
    assert published_keys.asked == 1


async def test_what_no_key_explains_is_refused_at_once() -> None:
    def check(keys: KeySet) -> str:
        raise NotTrusted("expired")

    published_keys = Published(OLD, NEW)
    with pytest.raises(NotTrusted, match="expired"):
        await checked(published_keys, check, NOW)
    assert published_keys.asked == 0


@pytest.mark.parametrize("fault", [Trouble(detail="http_500"), Misconfigured(code="keys_malformed")])
async def test_without_keys_nobody_can_say(fault: Trouble | Misconfigured) -> None:
    assert await checked(Published(fault, NEW), lambda keys: "good", NOW) == fault

    def check(keys: KeySet) -> str:
        raise NotTrusted("key_unknown")

    assert await checked(Published(OLD, fault), check, NOW) == fault


@pytest.mark.parametrize("code", ["key_unknown", "key_ambiguous", "signature_bad"])
async def test_where_the_idp_publishes_no_other_keys_the_token_is_bad_and_no_trouble(code: str) -> None:
    tried: list[KeySet] = []

    def check(keys: KeySet) -> str:
        tried.append(keys)
        raise NotTrusted(code)

    with pytest.raises(NotTrusted, match=code):
        await checked(Published(OLD, OLD), check, NOW)
    assert tried == [OLD]


@pytest.mark.parametrize("is_from_idp", [True, False])
async def test_who_asks_is_told_to_whoever_looks_for_keys(is_from_idp: bool) -> None:
    def check(keys: KeySet) -> str:
        if keys is OLD:
            raise NotTrusted("key_unknown")
        return "good"

    published_keys = Published(OLD, NEW)
    assert await checked(published_keys, check, NOW, is_from_idp=is_from_idp) == "good"
    assert published_keys.is_from_idp is is_from_idp
