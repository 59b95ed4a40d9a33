"""Keys made from the ring: the same everywhere, never two alike, and the public half alone is published."""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from proxy.gate.assertion_keys import assertion_key
from proxy.session.codec import SealingKey

ONE = SealingKey(secret=b"1" * 32)
TWO = SealingKey(secret=b"2" * 32)


def private_number(sealing: SealingKey) -> int:
    key = assertion_key(sealing).signing.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.private_numbers().private_value


def test_the_same_sealing_key_makes_the_same_key_in_every_replica_and_version() -> None:
    """A literal: another way of making it would part replicas while a new version is rolled out."""
    assert assertion_key(ONE).published == assertion_key(SealingKey(secret=b"1" * 32)).published
    assert assertion_key(ONE).published["kid"] == "sA67jT2r2NWyXoWx62-PaSRJy2bkKzlcAoZkZvC-ZEs"


def test_two_sealing_keys_make_two_keys() -> None:
    assert private_number(ONE) != private_number(TWO)
    assert assertion_key(ONE).published["kid"] != assertion_key(TWO).published["kid"]


def test_only_the_public_half_is_published() -> None:
    published = assertion_key(ONE).published
    assert published.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (published["kty"], published["crv"], published["alg"]) == ("EC", "P-256", "ES256")
    assert published["use"] == "sig"
    assert len(base64.urlsafe_b64decode(published["x"] + "=")) == 32


def test_the_key_is_named_as_it_is_published_and_shows_in_no_repr() -> None:
    key = assertion_key(ONE)
    assert key.signing.id == key.published["kid"]
    assert key.signing.algorithm == "ES256"
    assert str(private_number(ONE)) not in repr(key)
    assert "EllipticCurve" not in repr(key)


@given(st.binary(min_size=32, max_size=32))
def test_every_sealing_key_makes_a_key_that_is_not_the_sealing_key(secret: bytes) -> None:
    number = private_number(SealingKey(secret=secret))
    assert number != int.from_bytes(secret, "big")
