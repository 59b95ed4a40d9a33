"""The keys that sign assertions: one of P-256 for each key of the ring, made from it (decision 160).

Every replica has the ring, so every replica has these keys and publishes the same set; they rotate when the ring does.

    48 bytes = HKDF-SHA256(sealing key, info)          RFC 5869
    d        = bytes mod (n - 1) + 1                   FIPS 186-5 A.2.1 (extra random bits)
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proxy.oidc.assertion import SigningKey, public_jwk
from proxy.session.codec import SealingKey

_INFO: Final = b"muster assertion ES256 v1"
_EXTRA_BYTES: Final = 16
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256 (SP 800-186 §3.2.1.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionKey:
    """A signing key with the public half that is published for it; its id is its RFC 7638 thumbprint."""

    signing: SigningKey
    published: Mapping[str, str]


def assertion_key(sealing: SealingKey) -> AssertionKey:
    """The same key for the same sealing key, everywhere; it says nothing of the sealing key."""
    size = 32 + _EXTRA_BYTES
    derived = HKDF(algorithm=SHA256(), length=size, salt=None, info=_INFO).derive(sealing.secret)
    private = ec.derive_private_key(int.from_bytes(derived, "big") % (_ORDER - 1) + 1, ec.SECP256R1())
    signing = SigningKey(key=private, algorithm="ES256")
    published = public_jwk(signing)
    return AssertionKey(signing=replace(signing, id=published["kid"]), published=published)
