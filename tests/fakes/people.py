"""Identities and sessions for tests, with literal times: the hour starts at 1000."""

from dataclasses import replace
from typing import Any

from proxy.identity import GroupName, Groups, Identity, IdpId, Subject
from proxy.session.model import Ready, Session, SessionKey, Tokens

ISSUER = "https://idp.example.com"
CORP = IdpId("corp")
SIGNED_IN_AT = 1000.0
HOUR = 3600.0


def subject(name: str = "alice", issuer: str = ISSUER) -> Subject:
    return Subject(issuer=issuer, subject=f"sub-{name}")


def identity(name: str = "alice", groups: Groups = frozenset(), **changes: Any) -> Identity:
    plain = Identity(
        subject=subject(name),
        idp=CORP,
        email=f"{name}@example.com",
        is_email_verified=True,
        name=name.capitalize(),
        username=name,
        groups=groups,
        stated_at=SIGNED_IN_AT,
    )
    return replace(plain, **changes)


def groups(*names: str) -> frozenset[GroupName]:
    return frozenset(GroupName(name) for name in names)


def key(number: int = 1) -> SessionKey:
    return SessionKey(f"{number:064x}")


def session(name: str = "alice", number: int = 1, **changes: Any) -> Session:
    plain = Session(
        key=key(number),
        subject=subject(name),
        idp=CORP,
        identity=identity(name),
        account=Ready(login=name, account_id="7"),
        tokens=Tokens(access_token=f"access-{number}", refresh_token=f"refresh-{number}"),
        created_at=SIGNED_IN_AT,
        last_seen_at=SIGNED_IN_AT,
        refreshed_at=SIGNED_IN_AT,
        due_at=SIGNED_IN_AT + HOUR,
    )
    return replace(plain, **changes)
