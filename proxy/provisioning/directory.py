"""The directory's port: what an IdP knows about a person when no browser is there to ask with (semantics §5.3, §6.3).

Every answer is a value. Only two of them may take something away, and both are the directory's own word about this one
person; whatever else goes wrong (a time-out, a refusal of our token, an answer that makes no sense) is `Unknown`.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol, TypeAlias

from proxy.identity import GroupName, Subject
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """The directory has this person, and nobody suspended them. It does not say that they can sign in just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended:
    """The directory has this person, suspended. `marker` is its own word for it, for the audit."""

    marker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The directory does not have this person any more, and was proved to answer for others."""

    marker: str


@unique
class Cause(StrEnum):
    """Why a directory gave no answer: it may answer later; an operator must mend something; it cannot know this person."""

    TROUBLE = "trouble"
    MISCONFIGURED = "misconfigured"
    NOT_COVERED = "not_covered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No answer. Nothing is ever taken from anybody because of it. `retry_after` in seconds where the directory said so."""

    detail: str
    cause: Cause = Cause.TROUBLE
    retry_after: float | None = None


Standing: TypeAlias = Active | Suspended | Gone | Unknown


class Directory(Protocol):
    """One IdP's directory. Neither question raises, and each ends within the directory's own time-out.

    `directory_id` is the person's id there (`Identity.directory_id`); None: the directory decides whether the subject will do.
    `email` never finds a person; it only keeps a wrong id from passing for somebody who left.
    """

    async def ask(
        self, subject: Subject, email: str | None, *, directory_id: str | None = None
    ) -> Standing: ...

    async def groups(
        self, subject: Subject, email: str | None, *, directory_id: str | None = None
    ) -> frozenset[GroupName] | Unknown:
        """Every group of the person, as the IdP's own groups claim would name it; the empty set is known to be empty."""


def reason_of(standing: Suspended | Gone | Unknown) -> Reason:
    """The word that log, audit and statement use for it."""
    match standing:
        case Suspended():
            return Reason.DIRECTORY_SUSPENDED
        case Gone():
            return Reason.DIRECTORY_GONE
        case Unknown(cause=Cause.MISCONFIGURED):
            return Reason.DIRECTORY_MISCONFIGURED
        case Unknown():
            return Reason.DIRECTORY_TROUBLE
