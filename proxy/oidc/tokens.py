"""Checks an ID token in full; the only maker of `VerifiedClaims` (OpenID Connect Core §3.1.3.7 and §12.2).

| checked          | rule                                                              | code                            |
|------------------|-------------------------------------------------------------------|---------------------------------|
| form             | three parts, ≤ 512 KiB, no `crit`, `typ` not another JWT's        | token_malformed                 |
| `alg`            | one of `ALGORITHMS`: never none, never HMAC; the operator may     | algorithm_refused               |
|                  | name fewer (`signing_algorithms`)                                 |                                 |
| key              | the one that `kid` names, or the only fitting one; RSA ≥ 2048     | key_unknown, key_ambiguous      |
| signature        | holds under that key, whose type, curve, `alg` and `use` fit      | signature_bad                   |
| `iss`            | exactly the configured issuer                                     | issuer_mismatch                 |
| `aud`, `azp`     | we are in `aud`; `azp` is us, and there if `aud` names others too | audience_mismatch, azp_mismatch |
| `exp`            | there, and not past, with one leeway of 60 s for all times        | time_missing, expired           |
| `iat`, `nbf`     | `iat` there; neither in the future                                | issued_in_future, not_yet_valid |
| `nonce`          | as sent, at sign-in                                               | nonce_mismatch                  |
| `at_hash`        | of this access token, where present                               | at_hash_mismatch                |
| `c_hash`         | of the code that was redeemed, where present                      | c_hash_mismatch                 |
| `sub`            | text, 1–255 characters, printable                                 | subject_invalid                 |
| at a refresh     | the session's issuer and subject; a nonce is not asked for        | subject_changed                 |

A failure raises NotTrusted with the code and nothing of the token.
"""

import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from authlib.oidc.core.util import create_half_hash
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import CompactSignature, JWSRegistry

from proxy.errors import NotTrusted
from proxy.identity import Subject
from proxy.oidc.json_body import parse_object
from proxy.oidc.keys import KeySet, PublicKey, candidates
from proxy.oidc.rules import IdpRules

ALGORITHMS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
"""What a signature may be, and the key type it needs. All asymmetric."""

LEEWAY: Final = 60.0
"""Seconds by which the IdP's clock and ours may differ, for every time claim."""

_MOST_SUBJECT: Final = 255
_PROOF: Final = object()


class _Registry(JWSRegistry):
    """joserfc's rules with our list, room for large group lists, and unknown headers ignored (RFC 7515 §4)."""

    max_header_length = 8192
    max_payload_length = 512 * 1024

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_REGISTRY: Final = _Registry(strict_check_header=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedClaims:
    """An ID token's payload after every check above. Made by `verify_id_token` alone: the type is the proof.

    `idp_session` is the `sid` claim (back-channel logout names it). `issued_at` is seconds since the epoch.
    """

    subject: Subject
    issued_at: float
    payload: Mapping[str, object] = field(repr=False)
    idp_session: str | None = None
    proof: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.proof is not _PROOF:
            raise TypeError("only verify_id_token makes VerifiedClaims")


def verify_id_token(
    token: str,
    keys: KeySet,
    *,
    rules: IdpRules,
    nonce: str | None,
    now: float,
    access_token: str | None = None,
    code: str | None = None,
    expected_subject: Subject | None = None,
) -> VerifiedClaims:
    """The claims of a token that passes every row of the table; NotTrusted with a code otherwise.

    `nonce` None means a refresh, where none is expected (§12.2). `expected_subject` is then the session's.
    """
    header, payload = verified_payload(token, keys, rules=rules, is_type=_is_id_token_type)
    check_audience(payload, rules)
    issued_at = check_times(payload, now)
    if nonce is not None and not _is_same(payload.get("nonce"), nonce):
        raise NotTrusted("nonce_mismatch")
    _check_half_hash(payload, "at_hash", access_token, str(header["alg"]))
    _check_half_hash(payload, "c_hash", code, str(header["alg"]))
    subject = check_subject(payload, rules, expected_subject)
    session = payload.get("sid")
    return VerifiedClaims(
        subject=subject,
        issued_at=issued_at,
        payload=payload,
        idp_session=session if isinstance(session, str) and session else None,
        proof=_PROOF,
    )


def verified_payload(
    token: str, keys: KeySet, *, rules: IdpRules, is_type: Callable[[object], bool]
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Header and payload of a JWT whose form, algorithm and signature pass; no claim is looked at. `is_type` judges `typ`."""
    signature = _unpacked(token)
    header = _check_header(signature, rules, is_type)
    key_id = header.get("kid")
    key_type = ALGORITHMS[str(header["alg"])]
    fitting = candidates(keys, key_id if isinstance(key_id, str) else None, key_type)
    if not any(_holds(signature, key) for key in fitting):
        raise NotTrusted("signature_bad")
    payload = parse_object(signature.payload)
    if payload is None:
        raise NotTrusted("token_malformed")
    return header, payload


def stated_claims(token: str) -> Mapping[str, object]:
    """What a JWT says about itself, with nothing checked: good for choosing who is to check it, and for nothing else."""
    payload = parse_object(_unpacked(token).payload)
    if payload is None:
        raise NotTrusted("token_malformed")
    return payload


def _unpacked(token: str) -> CompactSignature:
    try:
        return jws.extract_compact(token.encode(), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise NotTrusted("token_malformed") from None


def _check_header(
    signature: CompactSignature, rules: IdpRules, is_type: Callable[[object], bool]
) -> Mapping[str, object]:
    """The header of a plain signed JWT. `crit` names extensions, and none is understood here (RFC 7515 §4.1.11)."""
    header: object = signature.headers()
    if not isinstance(header, Mapping) or "crit" in header or not is_type(header.get("typ")):
        raise NotTrusted("token_malformed")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise NotTrusted("algorithm_refused")
    if rules.signing_algorithms and algorithm not in rules.signing_algorithms:
        raise NotTrusted("algorithm_refused")
    return header


def _is_id_token_type(declared: object) -> bool:
    """Not an access token (`at+jwt`, RFC 9068), a logout token or another explicitly typed JWT (RFC 8725 §3.11)."""
    return declared is None or (isinstance(declared, str) and not declared.lower().endswith("+jwt"))


def _holds(signature: CompactSignature, key: PublicKey) -> bool:
    try:
        return jws.validate_compact(signature, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError):
        return False


def check_audience(payload: Mapping[str, object], rules: IdpRules) -> None:
    """`iss`, `aud` and `azp` as OpenID Connect Core §3.1.3.7 asks."""
    if not _is_same(payload.get("iss"), rules.issuer):
        raise NotTrusted("issuer_mismatch")
    stated = payload.get("aud")
    audience = stated if isinstance(stated, list) else [stated]
    if rules.client_id not in audience:
        raise NotTrusted("audience_mismatch")
    party = payload.get("azp", rules.client_id if len(audience) == 1 else None)
    if party != rules.client_id:
        raise NotTrusted("azp_mismatch")


def check_times(payload: Mapping[str, object], now: float) -> float:
    """When the token was issued. Each claim must be a finite number."""
    issued_at, expires_at = _time(payload, "iat"), _time(payload, "exp")
    if issued_at is None or expires_at is None:
        raise NotTrusted("time_missing")
    if now - LEEWAY >= expires_at:
        raise NotTrusted("expired")
    if issued_at > now + LEEWAY:
        raise NotTrusted("issued_in_future")
    not_before = _time(payload, "nbf")
    if not_before is not None and not_before > now + LEEWAY:
        raise NotTrusted("not_yet_valid")
    return issued_at


def _time(payload: Mapping[str, object], claim: str) -> float | None:
    value = payload.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotTrusted("time_malformed")
    return _finite(value)


def _finite(value: float) -> float:
    try:
        seconds = float(value)
    except OverflowError:
        raise NotTrusted("time_malformed") from None
    if not math.isfinite(seconds):
        raise NotTrusted("time_malformed")
    return seconds


def _check_half_hash(payload: Mapping[str, object], claim: str, value: str | None, algorithm: str) -> None:
    """`at_hash` ties the access token to this ID token (§3.1.3.8), `c_hash` the code (§3.3.2.11).

    Both are optional in the code flow, and binding where present.
    """
    stated = payload.get(claim)
    if stated is None or value is None:
        return
    expected = create_half_hash(value, "EdDSA" if algorithm == "Ed25519" else algorithm)
    if not _is_same(stated, expected.decode()):
        raise NotTrusted(f"{claim}_mismatch")


def check_subject(payload: Mapping[str, object], rules: IdpRules, expected: Subject | None = None) -> Subject:
    """The person; with `expected`, that one and no other."""
    stated = payload.get("sub")
    if not isinstance(stated, str) or not 0 < len(stated) <= _MOST_SUBJECT or not stated.isprintable():
        raise NotTrusted("subject_invalid")
    subject = Subject(issuer=rules.issuer, subject=stated)
    if expected is not None and subject != expected:
        raise NotTrusted("subject_changed")
    return subject


def _is_same(stated: object, expected: str) -> bool:
    """Equality in constant time; False for anything but text."""
    if not isinstance(stated, str):
        return False
    return hmac.compare_digest(stated.encode(errors="surrogatepass"), expected.encode())
