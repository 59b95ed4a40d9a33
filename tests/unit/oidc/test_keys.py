from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.util import int_to_base64

from proxy.errors import NotTrusted
from proxy.oidc.keys import candidates, read_keys
from tests.fakes.idp import ec_key, ed_key, published, rsa_key

RSA: dict[str, Any] = published(rsa_key())["keys"][0]
EC: dict[str, Any] = published(ec_key())["keys"][0]
ED: dict[str, Any] = published(ed_key())["keys"][0]


def short_rsa() -> dict[str, Any]:
    """A sound RSA key of 1024 bits."""
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    return {"kty": "RSA", "kid": "short", "e": "AQAB", "n": int_to_base64(numbers.n)}


def kids(*entries: Any) -> list[str | None]:
    return [key.kid for key in read_keys({"keys": list(entries)})]


def test_public_keys_of_all_three_types_are_read() -> None:
    assert kids(RSA, EC, ED) == ["rsa-1", "ec-1", "ed-1"]


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {**RSA, "use": "enc"},
        {**RSA, "key_ops": ["sign"]},
        {**RSA, "key_ops": "verify"},
        rsa_key().as_dict(private=True),
        ec_key("ec-2").as_dict(private=True),
        {**RSA, "d": "AQAB"},
        {**RSA, "n": 7},
        {**RSA, "n": "!!"},
        {**RSA, "n": ""},
        {**RSA, "n": "\ud800"},
        {**RSA, "e": None},
        {**RSA, "kid": 7},
        short_rsa(),
        {**EC, "crv": "P-999"},
        {**EC, "x": EC["y"]},
        {**ED, "x": "AA"},
        {"kty": "AKP", "kid": "tomorrow"},
        {"kty": ["RSA"]},
        {"kty": None},
        {},
        "key",
        None,
        ["kty"],
    ],
)
def test_a_key_that_must_not_verify_is_left_out_and_its_neighbours_stay(entry: Any) -> None:
    assert kids(entry, EC, entry) == ["ec-1"]


def test_a_key_for_signatures_by_operation_is_taken() -> None:
    assert kids({**EC, "key_ops": ["verify"]}) == ["ec-1"]


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_what_is_no_key_set_is_refused(document: Any) -> None:
    with pytest.raises(NotTrusted, match="keys_malformed"):
        read_keys(document)


def test_an_empty_key_set_is_one() -> None:
    assert read_keys({"keys": []}) == ()


def test_a_flood_of_keys_is_cut() -> None:
    assert len(read_keys({"keys": [ED] * 5000})) == 200


def test_the_named_key_of_the_right_type_is_meant() -> None:
    keys = read_keys({"keys": [RSA, EC]})
    assert candidates(keys, "ec-1", "EC") == (keys[1],)
    with pytest.raises(NotTrusted, match="key_unknown"):
        candidates(keys, "ec-1", "RSA")
    with pytest.raises(NotTrusted, match="key_unknown"):
        candidates(keys, "other", "EC")


def test_without_a_name_the_only_fitting_key_is_meant() -> None:
    keys = read_keys({"keys": [RSA, EC]})
    assert candidates(keys, None, "RSA") == (keys[0],)
    with pytest.raises(NotTrusted, match="key_unknown"):
        candidates(keys, None, "OKP")


def test_without_a_name_two_fitting_keys_are_ambiguous() -> None:
    keys = read_keys({"keys": [EC, published(ec_key("ec-2"))["keys"][0]]})
    with pytest.raises(NotTrusted, match="key_ambiguous"):
        candidates(keys, None, "EC")


def test_a_key_published_twice_under_one_name_may_be_tried_twice() -> None:
    assert len(candidates(read_keys({"keys": [EC, EC]}), "ec-1", "EC")) == 2
