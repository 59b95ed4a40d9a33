"""Who is meant: a login, an account id, an e-mail address or `issuer subject`, looked up in bindings, entries and sessions.

People choose their logins, so one may be another person's address or account id. A word before a colon says what is meant:
`account:4`, `login:bob@example.com`, `email:bob@example.com`, `sub:ID` (at whatever IdP) or `sub:ISSUER ID`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.cli.desk import EVERYBODY, Desk, refusal
from proxy.identity import Identity, Subject
from proxy.provisioning.model import AccountId, Binding, Entry, Vouched
from proxy.session.model import Ready, Session

PREFIXES: Final = ("account", "login", "email", "sub")

_EVER = 1e12
"""Later than any time, in seconds."""


@dataclass(slots=True, kw_only=True)
class Person:
    """Everything the store holds of one account, or of one subject that has none."""

    account: AccountId | None = None
    bindings: list[Binding] = field(default_factory=list)
    entry: Entry | None = None
    sessions: list[Session] = field(default_factory=list)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        said = [one.subject for one in self.entry.statements] if self.entry else []
        every = {*(one.subject for one in self.bindings), *said, *(one.subject for one in self.sessions)}
        return tuple(sorted(every))

    @property
    def identities(self) -> tuple[Identity, ...]:
        """The latest word of each source that vouches, and of each session."""
        said = [one.says for one in self.entry.statements] if self.entry else []
        vouched = [says.identity for says in said if isinstance(says, Vouched)]
        return (*vouched, *(one.identity for one in self.sessions))

    @property
    def emails(self) -> tuple[str, ...]:
        return tuple(sorted({one.email.lower() for one in self.identities if one.email}))

    @property
    def logins(self) -> tuple[str, ...]:
        ready = {one.account.login for one in self.sessions if isinstance(one.account, Ready)}
        return tuple(sorted({one.login for one in self.bindings} | ready))

    @property
    def is_blocked(self) -> bool:
        return any(one.is_blocked for one in self.bindings)

    @property
    def name(self) -> str:
        """What an operator knows them by."""
        return next(iter((*self.emails, *self.logins, *(one.subject for one in self.subjects))), "?")

    @property
    def first_subject(self) -> Subject:
        return self.subjects[0]

    def answers_to(self, who: str) -> bool:
        """Logins in the case they have; addresses in any. See the module's docstring."""
        what, colon, name = who.partition(":")
        if colon and what in PREFIXES:
            return self._is_named(what, name)
        subjects = {f"{one.issuer} {one.subject}" for one in self.subjects}
        return who in (*self.logins, self.account, *subjects) or who.lower() in self.emails

    def _is_named(self, what: str, name: str) -> bool:
        match what:
            case "account":
                return name == self.account
            case "login":
                return name in self.logins
            case "email":
                return name.lower() in self.emails
            case _:
                return any(name in (one.subject, f"{one.issuer} {one.subject}") for one in self.subjects)

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "account": self.account,
            "logins": list(self.logins),
            "emails": list(self.emails),
            "subjects": [{"issuer": one.issuer, "subject": one.subject} for one in self.subjects],
            "blocked": self.is_blocked,
            "state": self.entry.state.value if self.entry else None,
            "reason": self.entry.reason.value if self.entry and self.entry.reason else None,
            "sessions": len(self.sessions),
            "last_vouched_at": self.last_vouched_at,
        }

    @property
    def last_vouched_at(self) -> float | None:
        """By the IdP's clock."""
        said = self.entry.statements if self.entry else ()
        return max((one.at for one in said if isinstance(one.says, Vouched)), default=None)


async def everybody(desk: Desk) -> list[Person]:
    """People by account, then those without one; by name."""
    people: dict[object, Person] = {}
    keys: dict[Subject, object] = {}
    for binding in await desk.store.bindings.all_bindings():
        person = people.setdefault(binding.account_id, Person(account=binding.account_id))
        person.bindings.append(binding)
        keys[binding.subject] = binding.account_id
    for entry in await desk.store.outbox.entries(None, EVERYBODY):
        key = entry.account_id or entry.statements[0].subject
        people.setdefault(key, Person(account=entry.account_id)).entry = entry
        keys.update({one.subject: key for one in entry.statements})
    for session in await desk.store.sessions.last_used_before(_EVER, EVERYBODY):
        whose = keys.setdefault(session.subject, session.subject)
        people.setdefault(whose, Person()).sessions.append(session)
    return sorted(people.values(), key=lambda one: (one.account is None, one.name))


def known_names(people: Iterable[Person]) -> frozenset[str]:
    """Every name by which somebody may be asked for."""
    return frozenset(
        name
        for one in people
        for name in (
            *one.emails,
            *one.logins,
            *([one.account] if one.account else ()),
            *(f"{each.issuer} {each.subject}" for each in one.subjects),
        )
    )


async def find(desk: Desk, who: str) -> Person | None:
    """The one person who answers to it. Raises SettingsError when it means several."""
    found = [one for one in await everybody(desk) if one.answers_to(who)]
    if len(found) > 1:
        meant = "; ".join(f"{apart(one)} ({one.name})" for one in found)
        raise refusal(f"{who!r} means several people: say which one, {meant}")
    return found[0] if found else None


async def with_address(desk: Desk, address: str) -> list[Person]:
    """Everybody who has this address now, by the latest word of an IdP or a session."""
    return [one for one in await everybody(desk) if address.lower() in one.emails]


def apart(person: Person) -> str:
    """What means this person and nobody else."""
    if person.account is not None:
        return f"account:{person.account}"
    return f"'sub:{person.first_subject.issuer} {person.first_subject.subject}'"


async def find_one(desk: Desk, who: str) -> Person:
    """As `find`; raises SettingsError when it means nobody."""
    person = await find(desk, who)
    if person is None:
        raise refusal(f"nobody is known as {who!r} (muster members list shows everybody)")
    return person
