import pytest

from proxy.session.codec import KeyRing, SealingKey
from proxy.session.model import SessionKey
from proxy.web.guard import form_token, is_form_token, is_own_request

OLD = SealingKey(secret=b"o" * 32)
NEW = SealingKey(secret=b"n" * 32)
RING = KeyRing(keys=(NEW, OLD))
MINE = SessionKey("a" * 64)
PUBLIC = "https://app.example.com"


def test_a_token_is_good_for_its_session_only() -> None:
    token = form_token(RING, MINE)
    assert is_form_token(RING, MINE, token)
    assert not is_form_token(RING, SessionKey("b" * 64), token)


def test_a_token_of_a_key_that_was_rotated_still_counts_and_a_strangers_does_not() -> None:
    assert is_form_token(RING, MINE, form_token(KeyRing(keys=(OLD,)), MINE))
    assert not is_form_token(RING, MINE, form_token(KeyRing(keys=(SealingKey(secret=b"x" * 32),)), MINE))


@pytest.mark.parametrize("token", ["", "é", "\udcff", "0" * 64])
def test_anything_else_is_no_token(token: str) -> None:
    assert not is_form_token(RING, MINE, token)


@pytest.mark.parametrize(
    ("origin", "site", "is_own"),
    [
        (PUBLIC, "same-origin", True),
        (PUBLIC.upper(), "Same-Origin", True),
        (None, "none", True),
        (None, None, True),
        (PUBLIC, None, True),
        ("null", None, False),
        ("https://evil.example", None, False),
        ("https://app.example.com.evil.example", "same-origin", False),
        (PUBLIC, "cross-site", False),
        (PUBLIC, "same-site", False),
        (None, "cross-site", False),
    ],
)
def test_only_our_own_pages_may_change_something(origin: str | None, site: str | None, is_own: bool) -> None:
    assert is_own_request(origin, site, PUBLIC) is is_own
