import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from proxy.demo.idp_keys import Algorithm, SigningKeys, at_hash


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_verifies_with_the_published_keys(algorithm: Algorithm) -> None:
    keys = SigningKeys(algorithm)
    read = jwt.decode(
        keys.sign({"sub": "x"}), KeySet.import_key_set(keys.published()), algorithms=[algorithm]
    )
    assert read.claims["sub"] == "x"
    assert read.header["kid"] == keys.published()["keys"][0]["kid"]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_no_private_half_is_published(algorithm: Algorithm) -> None:
    assert "d" not in SigningKeys(algorithm).published()["keys"][0]


def test_rotation_keeps_the_old_key_published_or_not() -> None:
    keys = SigningKeys("ES256")
    keys.rotate()
    assert len(keys.published()["keys"]) == 2
    keys.rotate(keep=False)
    assert len(keys.published()["keys"]) == 1


def test_at_hash_is_the_left_half_of_sha256() -> None:
    """The example of OpenID Connect Core A.3 (access token jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y)."""
    assert at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"
