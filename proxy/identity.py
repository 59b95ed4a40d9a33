"""What an identity provider says about a person, whatever protocol it said it in.

OIDC, SAML and SCIM are inlets; each ends in an `Identity`, and past it nobody knows the protocol.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, NewType, TypeAlias

GroupName = NewType("GroupName", str)
"""A group as the IdP names it: Unicode NFC, surrounding white space removed, never empty."""

IdpId = NewType("IdpId", str)
"""The `id` an operator gave an IdP in the configuration."""


class NotStated(Enum):
    """The type of `NOT_STATED`; an Enum so that `is` narrows the union."""

    NOT_STATED = "not stated"

    def __repr__(self) -> str:
        return "NOT_STATED"


NOT_STATED: Final = NotStated.NOT_STATED
"""The IdP said nothing about groups. Not the empty set: it never takes anything away (semantics §2)."""

Groups: TypeAlias = frozenset[GroupName] | Literal[NotStated.NOT_STATED]
"""Known groups, known to be empty (`frozenset()`), or not stated."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Subject:
    """The key of a person (semantics §1.1): an e-mail address is never one."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One statement by one IdP about one person at one time.

    `stated_at` is the ID token's `iat`, or the store's clock when the question was asked (seconds since the epoch).
    `hosted_domain` is Google's `hd` claim. `directory_id` is the person's id in the IdP's directory, where a claim states it
    (Entra's `oid`: the subject there is another one for every application).
    """

    subject: Subject
    idp: IdpId
    email: str | None
    is_email_verified: bool
    name: str | None
    username: str | None
    groups: Groups
    stated_at: float
    hosted_domain: str | None = None
    directory_id: str | None = None
