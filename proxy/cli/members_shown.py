"""`muster members list` and `show`: people with their accounts, and all that is known of one."""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from proxy.cli.desk import Desk, moment, print_json
from proxy.cli.table import print_table
from proxy.cli.who import Person, everybody, find_one
from proxy.groups.evaluate import is_deny_listed
from proxy.identity import NOT_STATED
from proxy.provisioning.model import Removed, Statement
from proxy.web.session_facts import account_word


async def list_members(desk: Desk, args: Namespace) -> int:
    """Everybody who is bound, or asks for an account."""
    people = await everybody(desk)
    if args.json:
        print_json({"members": [one.document() for one in people]})
    elif not people:
        print("nobody is known yet")
    else:
        heads = ("who", "account", "login", "state", "sessions", "vouched for")
        print_table(heads, [_row(one) for one in people])
    return 0


async def show_member(desk: Desk, args: Namespace) -> int:
    """All that is known of one person."""
    person = await find_one(desk, args.who)
    is_denied = any(is_deny_listed(one, desk.effective.join) for one in person.identities)
    statements = person.entry.statements if person.entry else ()
    if args.json:
        said = [_document(one) for one in statements]
        print_json({**person.document(), "denied": is_denied, "statements": said})
        return 0
    for topic, text in _lines(person, is_denied, statements):
        print(f"{topic:<9} {text}")
    return 0


def state_word(person: Person) -> str:
    """Where somebody stands, in a few words."""
    waits = {"open": "to be carried out", "parked": "parked", "held": "held", "dropped": "left as it is"}
    state = person.entry.state.value if person.entry else "done"
    blocked = ["blocked"] if person.is_blocked else []
    plain = ["member"] if person.account and not blocked else []
    return ", ".join([*blocked, *plain, *([waits[state]] if state in waits else [])]) or "no account"


def _row(one: Person) -> tuple[str, ...]:
    vouched = moment(one.last_vouched_at) if one.last_vouched_at is not None else "-"
    return (
        one.name,
        one.account or "-",
        ", ".join(one.logins) or "-",
        state_word(one),
        str(len(one.sessions)),
        vouched,
    )


def _lines(person: Person, is_denied: bool, statements: tuple[Statement, ...]) -> Iterator[tuple[str, str]]:
    yield "who", ", ".join((*person.emails, *person.logins)) or "?"
    yield "account", f"{person.account or 'none'}: {state_word(person)}"
    if person.entry and person.entry.reason:
        yield "because", f"{person.entry.reason} {person.entry.detail}".strip()
    if is_denied:
        yield "denied", "on the deny list"
    for one in statements:
        yield (
            "says",
            f"{one.source}, {moment(one.at)}: {_word(one)} ({one.subject.issuer} {one.subject.subject})",
        )
        yield "groups", _groups(one)
    for session in person.sessions:
        yield (
            "session",
            f"{session.key[:16]}, last seen {moment(session.last_seen_at)}: {account_word(session)}",
        )


def _word(statement: Statement) -> str:
    says = statement.says
    return f"removed ({says.reason})" if isinstance(says, Removed) else "vouches"


def _groups(statement: Statement) -> str:
    known = statement.known_groups
    return "not stated" if known is NOT_STATED else ", ".join(sorted(known)) or "none (known)"


def _document(one: Statement) -> dict[str, Any]:
    return {
        "idp": one.source,
        "issuer": one.subject.issuer,
        "subject": one.subject.subject,
        "says": _word(one),
        "at": one.at,
        "groups": None if one.known_groups is NOT_STATED else sorted(one.known_groups),
    }
