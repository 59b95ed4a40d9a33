"""Records for contract tests: people, sessions and statements with plain defaults."""

import hashlib
from dataclasses import replace

from proxy.groups.rules import RoleName
from proxy.identity import NOT_STATED, GroupName, Groups, Identity, IdpId, Subject
from proxy.provisioning.model import AccountId, Binding, Removed, Statement, Vouched
from proxy.reasons import Reason
from proxy.session.model import Ready, Session, SessionKey, Tokens
from proxy.session.store import Lease

NOW = 1_760_000_000.0
CORP = IdpId("corp")
PARTNER = IdpId("partner")


def subject(name: str = "ada", idp: IdpId = CORP) -> Subject:
    return Subject(issuer=f"https://{idp}.example.com", subject=name)


def identity(name: str = "ada", groups: Groups | set[str] = NOT_STATED, idp: IdpId = CORP) -> Identity:
    known: Groups = NOT_STATED if groups is NOT_STATED else frozenset(GroupName(str(one)) for one in groups)
    return Identity(
        subject=subject(name, idp),
        idp=idp,
        email=f"{name}@example.com",
        is_email_verified=True,
        name=name.title(),
        username=name,
        groups=known,
        stated_at=NOW,
    )


def key(name: str) -> SessionKey:
    return SessionKey(hashlib.sha256(name.encode()).hexdigest())


def session(name: str = "one", person: str = "ada", idp: IdpId = CORP) -> Session:
    return Session(
        key=key(name),
        subject=subject(person, idp),
        idp=idp,
        identity=identity(person, {"engineers"}, idp),
        account=Ready(login=person, account_id="7"),
        tokens=Tokens(access_token="access-token-in-clear", refresh_token="refresh-token-in-clear"),
        created_at=NOW,
        last_seen_at=NOW,
        refreshed_at=NOW,
        due_at=NOW + 3600,
    )


def next_version(held: Session, due_at: float = NOW + 7200) -> Session:
    return replace(held, due_at=due_at, version=held.version + 1)


def vouched(
    name: str = "ada", groups: Groups | set[str] = NOT_STATED, at: float = NOW, idp: IdpId = CORP
) -> Statement:
    return Statement(
        source=idp, subject=subject(name, idp), says=Vouched(identity=identity(name, groups, idp)), at=at
    )


def removed(name: str = "ada", at: float = NOW, idp: IdpId = CORP) -> Statement:
    return Statement(source=idp, subject=subject(name, idp), says=Removed(reason=Reason.IDP_DENIED), at=at)


def binding(
    name: str = "ada",
    account: str = "7",
    idp: IdpId = CORP,
    *,
    is_blocked: bool = False,
    role: str | None = None,
) -> Binding:
    return Binding(
        subject=subject(name, idp),
        account_id=AccountId(account),
        login=name,
        granted_role=None if role is None else RoleName(role),
        is_blocked=is_blocked,
    )


def forged(lease: Lease) -> Lease:
    """The lease as it was before somebody else was granted one."""
    return replace(lease, fence=lease.fence - 1)
