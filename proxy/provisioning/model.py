"""Members, statements, entries and the operations that carry a decision into the app."""

from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import NewType, TypeAlias

from proxy.groups.model import Because as Because  # noqa: PLC0414 -- re-exported: one place to read the words
from proxy.groups.model import Entitlement as Entitlement  # noqa: PLC0414 -- as above
from proxy.groups.rules import AppGroupName, RoleName
from proxy.identity import NOT_STATED, Groups, Identity, IdpId, Subject
from proxy.reasons import Reason

AccountId = NewType("AccountId", str)
"""The app's own id of an account, as text."""

GroupId = NewType("GroupId", str)
"""The app's own id of a group, as text (an app may use the name)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppGroup:
    """A group as the app last showed it."""

    id: GroupId
    name: AppGroupName


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The account in the app, as the app last showed it. `groups` are ids; None where the app does not show them."""

    id: AccountId
    login: str
    email: str | None
    name: str | None
    is_active: bool
    is_admin: bool = False
    role: RoleName | None = None
    groups: frozenset[GroupId] | None = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a new account is made from."""

    login: str
    email: str | None
    name: str | None


# --- what the IdPs said -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """The IdP knows this person now."""

    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """The IdP says no: a marker, a fired timer, a directory, SCIM `active: false`."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one source said about one person, and when.

    `at`: the ID token's `iat`, else the store's time when the question was asked. `known_groups` is the last known set
    of this source, carried along while it is not stated; `not_stated_since` is when it stopped being stated.
    `seq` is the store's number, given on writing; it breaks ties (semantics §9.3).
    """

    source: IdpId
    subject: Subject
    says: Vouched | Removed
    at: float
    known_groups: Groups = NOT_STATED
    not_stated_since: float | None = None
    seq: int = 0


@unique
class EntryState(StrEnum):
    """Where an entry stands: to be carried out, agreed with the app, waiting for an operator, or left as it is by one.

    `DROPPED` is what an operator said no to: only a statement that says something else opens it, or an operator by name.
    """

    OPEN = "open"
    DONE = "done"
    PARKED = "parked"
    HELD = "held"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What should be, for one account (once bound) or one subject asking for one: the latest statement per source.

    `creating` is the login we set out to create, written before the call: after a crash an unbound account of exactly that
    login and address is ours. `version` grows with every statement; an acknowledgement of an older version leaves the entry open.
    """

    id: int
    account_id: AccountId | None
    statements: tuple[Statement, ...]
    state: EntryState
    version: int
    attempts: int = 0
    next_attempt_at: float = 0.0
    reason: Reason | None = None
    detail: str = ""
    creating: str | None = None
    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """(issuer, subject) → account id: durable, unique, made once, kept while the account is archived (semantics §1.2).

    `login` is the app's own, as last read. `granted_role` is the role that we set last; `floor` may lower only that.
    """

    subject: Subject
    account_id: AccountId
    login: str
    granted_role: RoleName | None = None
    is_blocked: bool = False


# --- what should be -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Admitted: this is what they should have."""

    entitlement: Entitlement
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Every source that vouched says no: the account should be archived."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Refused by statement alone (semantics §4.7)."""

    reason: Reason


Should: TypeAlias = Wanted | Gone | Refused


# --- how ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    account: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    account: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProfile:
    account: AccountId
    email: str | None
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRole:
    account: AccountId
    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    account: AccountId
    group: AppGroup
    login: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    account: AccountId
    group: AppGroup
    login: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateGroup:
    name: AppGroupName


Operation: TypeAlias = Create | Restore | Archive | SetProfile | SetRole | Join | Leave | CreateGroup
"""One absolute request to the app; repeating it is harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An operation and why. `takes_away`: somebody loses what they can use now; the guard counts these."""

    operation: Operation
    because: Because
    takes_away: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in an order that is safe to stop at any prefix; `notes` are what was seen and left alone, with reasons."""

    steps: tuple[Step, ...] = ()
    notes: tuple[Because, ...] = field(default=())
