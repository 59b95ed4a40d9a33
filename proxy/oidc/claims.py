"""From checked claims to an `Identity`: where OpenID Connect ends.

Two sources may speak: the ID token and userinfo. The ID token is read first; userinfo fills what it leaves out. For
groups the earliest configured path that is there wins, whichever source has it, and the ID token wins a draw. An
address and its verification must come from one source, or both sources must name the same address.
"""

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias

from proxy.errors import NotTrusted
from proxy.groups.claim import MISSING, ClaimReading, explain_groups, find_claim, is_encodable
from proxy.identity import NOT_STATED, Groups, Identity, Subject
from proxy.oidc.access_tokens import AccessClaims
from proxy.oidc.rules import IdpRules, UserinfoUse
from proxy.oidc.tokens import VerifiedClaims
from proxy.session.model import Authentication

_MOST_TEXT: Final = 320
_MOST_METHODS: Final = 16


class Lookup(Enum):
    """Why there are no userinfo claims. REFUSED: the IdP named the access token invalid (RFC 6750 §3.1)."""

    NOT_ASKED = "not asked"
    FAILED = "failed"
    REFUSED = "refused"


Claims: TypeAlias = Mapping[str, object]
Userinfo: TypeAlias = Claims | Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attributes:
    email: str | None
    is_email_verified: bool
    name: str | None
    username: str | None


def wants_userinfo(claims: VerifiedClaims | None, rules: IdpRules) -> bool:
    """Userinfo must be asked: always, or because the ID token (None: there is none) leaves groups or e-mail out."""
    if rules.userinfo is UserinfoUse.AUTO:
        return claims is None or not _states_enough(claims.payload, rules)
    return rules.userinfo is UserinfoUse.ALWAYS


def identity_of(
    claims: VerifiedClaims,
    userinfo: Userinfo,
    rules: IdpRules,
    *,
    now: float,
    previous: Identity | None = None,
) -> Identity:
    """The statement that an ID token makes, with userinfo's help. NotTrusted when userinfo is about somebody else.

    When userinfo was asked and failed, groups that the ID token leaves out are not stated, and attributes that it
    leaves out stay as in `previous`. `now` is when the IdP was asked.
    """
    sources = [claims.payload, *_userinfo_source(userinfo, claims.subject)]
    identity = _identity(sources, claims.subject, rules, now, previous)
    is_complete = userinfo is Lookup.NOT_ASKED or not isinstance(userinfo, Lookup)
    if not is_complete:
        identity = _as_known_before(identity, previous)
    groups, is_from_userinfo = _groups(sources, rules, is_complete=is_complete)
    stated_at = max(now, claims.issued_at) if is_from_userinfo else claims.issued_at
    return replace(identity, groups=groups, stated_at=stated_at)


def identity_in_access_token(claims: AccessClaims, rules: IdpRules, *, now: float) -> Identity:
    """The statement that an access token makes. What it leaves out is not stated: the IdP may say it in ID tokens alone.

    It is as old as the token, or as the question (`now`) where the token's age is not known.
    """
    stated_at = now if claims.issued_at is None else claims.issued_at
    identity = _identity([claims.payload], claims.subject, rules, stated_at, None)
    groups, _ = _groups([claims.payload], rules, is_complete=False)
    return replace(identity, groups=groups)


def authentication_of(claims: VerifiedClaims | AccessClaims) -> Authentication:
    """What the token says of how and when the person proved who they are; a claim of another shape is not read."""
    payload = claims.payload
    acr, amr, at = payload.get("acr"), payload.get("amr"), payload.get("auth_time")
    return Authentication(
        acr=acr if isinstance(acr, str) and 0 < len(acr) <= _MOST_TEXT else None,
        amr=tuple(one for one in amr if isinstance(one, str))[:_MOST_METHODS]
        if isinstance(amr, list)
        else (),
        at=_time_of(at),
    )


def _time_of(value: object) -> float | None:
    """Seconds since the epoch; None for anything that is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def identity_without_id_token(
    previous: Identity, userinfo: Userinfo, rules: IdpRules, *, now: float
) -> Identity:
    """The statement of a refresh that came without an ID token (OpenID Connect Core §12.2 allows it).

    Who it is about is known: the refresh token is bound to the session's person. Userinfo says the rest; without it
    nothing new is known, and groups are not stated.
    """
    sources = _userinfo_source(userinfo, previous.subject)
    if not sources:
        return replace(previous, groups=NOT_STATED, stated_at=now)
    groups, _ = _groups(sources, rules, is_complete=True)
    return replace(_identity(sources, previous.subject, rules, now, previous), groups=groups)


def _states_enough(payload: Claims, rules: IdpRules) -> bool:
    has_groups = not rules.groups.paths or explain_groups(payload, rules.groups).path is not None
    return has_groups and _text(find_claim(payload, rules.claims.email)) is not None


def _userinfo_source(userinfo: Userinfo, subject: Subject) -> list[Claims]:
    """Userinfo's claims, if any. Its `sub` must be the ID token's (§5.3.2), or nothing of it may be used."""
    if isinstance(userinfo, Lookup):
        return []
    if userinfo.get("sub") != subject.subject:
        raise NotTrusted("userinfo_subject_mismatch")
    return [userinfo]


def _groups(sources: Sequence[Claims], rules: IdpRules, *, is_complete: bool) -> tuple[Groups, bool]:
    """The groups, and whether they are userinfo's. Absent means none only when every source was heard."""
    readings = [explain_groups(source, rules.groups) for source in sources]
    stated = [reading for reading in readings if reading.path is not None]
    if not stated:
        return (readings[0].groups if is_complete else NOT_STATED), False
    best = min(stated, key=lambda reading: _rank(reading, rules))
    return best.groups, best is not readings[0]


def _rank(reading: ClaimReading, rules: IdpRules) -> int:
    return rules.groups.paths.index(reading.path or "")


def _identity(
    sources: Sequence[Claims], subject: Subject, rules: IdpRules, now: float, previous: Identity | None
) -> Identity:
    email = _first_text(sources, rules.claims.email)
    directory_id = _first_text(sources, rules.claims.directory_id) if rules.claims.directory_id else None
    return Identity(
        subject=subject,
        idp=rules.id,
        email=email,
        is_email_verified=email is not None and _is_verified(sources, email, rules),
        name=_first_text(sources, rules.claims.name),
        username=_first_text(sources, rules.claims.username),
        groups=NOT_STATED,
        stated_at=now,
        hosted_domain=_hosted_domain(sources, rules),
        # The person's id never changes: a source that leaves it out (Entra's userinfo) takes nothing back.
        directory_id=directory_id or (previous.directory_id if previous else None),
    )


def _as_known_before(identity: Identity, previous: Identity | None) -> Identity:
    if previous is None:
        return identity
    kept = replace(
        identity,
        name=identity.name or previous.name,
        username=identity.username or previous.username,
        hosted_domain=identity.hosted_domain or previous.hosted_domain,
    )
    if identity.email is not None:
        return kept
    return replace(kept, email=previous.email, is_email_verified=previous.is_email_verified)


def _is_verified(sources: Sequence[Claims], email: str, rules: IdpRules) -> bool:
    """The first source that names this very address and says anything about its verification decides."""
    if rules.is_email_trusted:
        return True
    stated = (
        find_claim(source, rules.claims.email_verified)
        for source in sources
        if (_text(find_claim(source, rules.claims.email)) or "").lower() == email.lower()
    )
    verdict = next((value for value in stated if value is not MISSING and value is not None), False)
    return verdict is True or (isinstance(verdict, str) and verdict.lower() == "true")


def _hosted_domain(sources: Sequence[Claims], rules: IdpRules) -> str | None:
    """Google's `hd`; a domain that the operator did not list counts as none."""
    domain = (_first_text(sources, "hd") or "").lower()
    is_counted = not rules.hosted_domains or domain in rules.hosted_domains
    return domain if domain and is_counted else None


def _first_text(sources: Sequence[Claims], path: str) -> str | None:
    return next(_texts(sources, path), None)


def _texts(sources: Sequence[Claims], path: str) -> Iterator[str]:
    for source in sources:
        text = _text(find_claim(source, path))
        if text is not None:
            yield text


def _text(value: object) -> str | None:
    """A claim's text in NFC, or None when it is no usable line. A list of one counts (Azure B2C's `emails`)."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str) or not is_encodable(value):
        return None
    text = unicodedata.normalize("NFC", value).strip()
    is_line = 0 < len(text) <= _MOST_TEXT and not any(unicodedata.category(char) == "Cc" for char in text)
    return text if is_line else None
