"""`muster sessions`: who is signed in, and ending somebody's sessions."""

from argparse import Namespace
from typing import Any

from proxy.cli.desk import EVERYBODY, Desk, at_desk, moment, print_json
from proxy.cli.store import now
from proxy.cli.table import print_table
from proxy.cli.who import Person, find_one
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Pending, Ready, Session

_EVER = 1e12


def run(args: Namespace) -> int:
    """0 when done, also where somebody has no session. Raises SettingsError for somebody nobody knows."""
    return at_desk(args, lambda desk: _list(desk, args) if args.action == "list" else _end(desk, args))


async def end_sessions(desk: Desk, person: Person, reason: Reason) -> int:
    """How many ended; tunnels and streams of theirs are cut by whichever server has them."""
    ended = [await desk.store.sessions.end_subject(one, reason, now()) for one in person.subjects]
    return sum(map(len, ended))


async def _list(desk: Desk, args: Namespace) -> int:
    sessions = await desk.store.sessions.last_used_before(_EVER, EVERYBODY)
    if args.json:
        print_json({"sessions": [_document(one) for one in sessions]})
    elif not sessions:
        print("nobody is signed in")
    else:
        heads = ("session", "who", "IdP", "account", "signed in", "last seen", "asked again")
        print_table(heads, [_row(one) for one in sessions])
    return 0


async def _end(desk: Desk, args: Namespace) -> int:
    person = await find_one(desk, args.who)
    ended = await end_sessions(desk, person, Reason.ENDED_BY_OPERATOR)
    for subject in person.subjects:
        facts = {"issuer": subject.issuer, "subject": subject.subject, "sessions": ended}
        await desk.audited("end_session", reason=Reason.ENDED_BY_OPERATOR.value, **facts)
    if args.json:
        print_json({"person": person.name, "sessions_ended": ended})
    else:
        print(f"{person.name}: {ended} sessions ended")
    return 0


def account_word(session: Session) -> str:
    """The account's state as an operator reads it."""
    match session.account:
        case Ready(login=login):
            return login
        case Pending(reason=reason):
            return f"pending ({reason})"
        case AccountRefused(reason=reason):
            return f"refused ({reason})"


def _row(one: Session) -> tuple[str, ...]:
    who = one.identity.email or one.subject.subject
    times = (moment(one.created_at), moment(one.last_seen_at), moment(one.due_at))
    return one.key[:16], who, one.idp, account_word(one), *times


def _document(one: Session) -> dict[str, Any]:
    """Without tokens, and without the whole key."""
    return {
        "session": one.key[:16],
        "issuer": one.subject.issuer,
        "subject": one.subject.subject,
        "idp": one.idp,
        "email": one.identity.email,
        "account": account_word(one),
        "created_at": one.created_at,
        "last_seen_at": one.last_seen_at,
        "due_at": one.due_at,
    }
