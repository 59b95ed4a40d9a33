"""An IdP's published keys: which of them may verify a signature, and which one a token means (RFC 7517).

Symmetric keys are never taken: they and public keys must not stand in one set, or a public key could be used as an
HMAC secret. Nor are private keys, keys for another use, RSA keys under 2048 bits, or what joserfc cannot read; one
bad key does not spoil its neighbours (RFC 7517 §5).
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias, cast

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.util import urlsafe_b64decode

from proxy.errors import NotTrusted

PublicKey: TypeAlias = RSAKey | ECKey | OKPKey
KeySet: TypeAlias = tuple[PublicKey, ...]

_LEAST_RSA_BITS: Final = 2048
_MOST_RSA_BITS: Final = 16_384
_MOST_KEYS: Final = 200


def read_keys(document: Mapping[str, object]) -> KeySet:
    """The keys that may verify; NotTrusted when the document is no key set. An empty set is one."""
    published = document.get("keys")
    if not isinstance(published, list):
        raise NotTrusted("keys_malformed")
    return tuple(_usable(published[:_MOST_KEYS]))


def candidates(keys: KeySet, key_id: str | None, key_type: str) -> KeySet:
    """The keys a token may mean. NotTrusted `key_unknown` for none, `key_ambiguous` for several and no `kid`.

    Several keys under one `kid` are all tried: some IdPs publish one key twice.
    """
    fitting = tuple(key for key in keys if key.key_type == key_type)
    if key_id is not None:
        fitting = tuple(key for key in fitting if key.kid == key_id)
    elif len(fitting) > 1:
        raise NotTrusted("key_ambiguous")
    if not fitting:
        raise NotTrusted("key_unknown")
    return fitting


def _usable(published: Iterable[object]) -> Iterable[PublicKey]:
    for entry in published:
        if isinstance(entry, dict) and _may_verify(entry):
            key = _import(entry)
            if key is not None:
                yield key


def _may_verify(entry: Mapping[str, object]) -> bool:
    operations = entry.get("key_ops")
    return (
        entry.get("kty") in ("RSA", "EC", "OKP")
        and entry.get("use", "sig") == "sig"
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and "d" not in entry
        and (entry.get("kty") != "RSA" or _is_long_enough(entry.get("n")))
    )


def _is_long_enough(modulus: object) -> bool:
    """Counted before the import, which would take a short key with no more than a warning."""
    if not isinstance(modulus, str):
        return False
    try:
        bits = int.from_bytes(urlsafe_b64decode(modulus.encode())).bit_length()
    except ValueError:
        return False
    return _LEAST_RSA_BITS <= bits <= _MOST_RSA_BITS


def _import(entry: dict[str, object]) -> PublicKey | None:
    try:
        key = import_key(cast("dict[str, str | list[str]]", entry))
    except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return None
    return None if not isinstance(key, RSAKey | ECKey | OKPKey) else key
