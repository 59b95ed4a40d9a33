"""Checks an access token that a client shows as its bearer: a signed JWT (RFC 9068 §4), or what introspection says of it
(RFC 7662 §2.2). The only maker of `AccessClaims`.

| checked             | JWT                                                   | introspection           | code                 |
|---------------------|-------------------------------------------------------|-------------------------|----------------------|
| form and signature  | as of an ID token (`tokens.py`): asymmetric only      | `active` is true        | as there, inactive   |
| `typ`               | `at+jwt`; `JWT` or none only where the operator lets  | `token_type`, if stated | token_type_refused   |
| no other token      | without `at+jwt`: none of an ID token's or a logout   | –                       | not_an_access_token  |
|                     | token's claims, and one that access tokens have       |                         |                      |
| bound to a key      | `cnf` is refused: who shows it is not asked to prove  | the same                | sender_constrained   |
| `iss`               | exactly the configured issuer                         | the same, if stated     | issuer_mismatch      |
| `aud`               | names one of ours                                     | the same                | audience_mismatch    |
| `exp`, `iat`, `nbf` | `exp` and `iat` there, one leeway of 60 s for all     | each, if stated         | as of an ID token    |
| `sub`               | as of an ID token                                     | the same                | subject_invalid      |
| scopes              | all that are required, in `scope` or `scp`            | the same                | InsufficientScope    |

A failure raises NotTrusted with the code and nothing of the token.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from proxy.errors import NotTrusted
from proxy.identity import Subject
from proxy.oidc.keys import KeySet
from proxy.oidc.rules import IdpRules
from proxy.oidc.tokens import LEEWAY, check_subject, check_times, verified_payload

_TYPED: Final = frozenset({"at+jwt", "application/at+jwt"})
_PLAIN: Final = frozenset({"jwt", "application/jwt"})
_OF_OTHER_TOKENS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "events"})
"""Claims of ID tokens (OpenID Connect Core §2, §3.3.2.11) and of logout tokens; no access token needs them."""

_OF_ACCESS_TOKENS: Final = ("scope", "scp", "client_id", "cid", "appid")
"""Claims by which the products that sign access tokens as plain JWTs say what they may do, or for which client."""

_PROOF: Final = object()


class InsufficientScope(NotTrusted):
    """The token is good, and not for this (RFC 6750 §3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """Which access tokens are ours. `idp` says whose they are and how claims are read; its `client_id` means nothing here.

    Audiences are never empty. `takes_plain_jwt`: tokens whose header does not say `at+jwt` are looked at more closely
    instead of refused.
    """

    idp: IdpRules
    audiences: frozenset[str]
    scopes: frozenset[str] = frozenset()
    takes_plain_jwt: bool = False

    def __post_init__(self) -> None:
        if not self.audiences:
            raise ValueError("access tokens without an audience of ours are nobody's")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """A token's claims after every check above: the type is the proof. Times are seconds since the epoch, None: not stated."""

    subject: Subject
    payload: Mapping[str, object] = field(repr=False)
    issued_at: float | None
    good_until: float | None
    proof: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.proof is not _PROOF:
            raise TypeError("only access_tokens makes AccessClaims")


def verify_access_token(token: str, keys: KeySet, rules: AccessRules, *, now: float) -> AccessClaims:
    """The claims of a JWT that passes every row of the table."""
    header, payload = verified_payload(token, keys, rules=rules.idp, is_type=_is_any_type)
    _check_type(header, payload, rules)
    if payload.get("iss") != rules.idp.issuer:
        raise NotTrusted("issuer_mismatch")
    issued_at = check_times(payload, now)
    return _checked(payload, rules, issued_at)


def read_introspection(answer: Mapping[str, object], rules: AccessRules, *, now: float) -> AccessClaims:
    """The claims that an introspection endpoint states of an active token that is ours."""
    if answer.get("active") is not True:
        raise NotTrusted("inactive")
    if str(answer.get("token_type", "bearer")).lower() not in ("bearer", "access_token"):
        raise NotTrusted("token_type_refused")
    if answer.get("iss", rules.idp.issuer) != rules.idp.issuer:
        raise NotTrusted("issuer_mismatch")
    # What is not stated cannot be wrong: the endpoint itself just said that the token is good now.
    check_times({"iat": now, "exp": now + 2 * LEEWAY, **_stated(answer, ("iat", "exp", "nbf"))}, now)
    issued_at = answer.get("iat")
    return _checked(answer, rules, issued_at if isinstance(issued_at, int | float) else None)


def looks_like_jwt(token: str) -> bool:
    """Whether a token can only be read by its signature: three parts (RFC 7515 §3.1)."""
    return token.count(".") == 2


def _checked(payload: Mapping[str, object], rules: AccessRules, issued_at: float | None) -> AccessClaims:
    """What both kinds of token have in common; times were checked."""
    if payload.get("cnf") is not None:
        raise NotTrusted("sender_constrained")
    if rules.audiences.isdisjoint(_names(payload.get("aud"))):
        raise NotTrusted("audience_mismatch")
    subject = check_subject(payload, rules.idp)
    if not rules.scopes <= {*_scopes(payload.get("scope")), *_scopes(payload.get("scp"))}:
        raise InsufficientScope("insufficient_scope")
    expires = payload.get("exp")
    return AccessClaims(
        subject=subject,
        payload=payload,
        issued_at=None if issued_at is None else float(issued_at),
        good_until=float(expires) + LEEWAY if isinstance(expires, int | float) else None,
        proof=_PROOF,
    )


def _is_any_type(declared: object) -> bool:
    """Any text or none: which types pass is judged with the claims."""
    return declared is None or isinstance(declared, str)


def _check_type(header: Mapping[str, object], payload: Mapping[str, object], rules: AccessRules) -> None:
    declared = str(header.get("typ", "JWT")).lower()
    if declared in _TYPED:
        return
    if declared not in _PLAIN or not rules.takes_plain_jwt:
        raise NotTrusted("token_type_refused")
    if _OF_OTHER_TOKENS & payload.keys() or not any(name in payload for name in _OF_ACCESS_TOKENS):
        raise NotTrusted("not_an_access_token")
    # Keycloak and Cognito say it within: `typ` Bearer, ID, Refresh …; `token_use` access or id.
    if _says_otherwise(payload.get("typ"), "bearer") or _says_otherwise(payload.get("token_use"), "access"):
        raise NotTrusted("not_an_access_token")


def _says_otherwise(stated: object, wanted: str) -> bool:
    return stated is not None and (not isinstance(stated, str) or stated.lower() != wanted)


def _stated(answer: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    return {name: answer[name] for name in names if answer.get(name) is not None}


def _names(stated: object) -> frozenset[str]:
    """One name, or a list of them."""
    listed = stated if isinstance(stated, list) else [stated]
    return frozenset(one for one in listed if isinstance(one, str))


def _scopes(stated: object) -> frozenset[str]:
    """Words between spaces (RFC 6749 §3.3), or a list."""
    return frozenset(word for name in _names(stated) for word in name.split(" ") if word)
