"""`muster audit`: what was decided and done, out of the store."""

import difflib
import json
from argparse import Namespace
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from proxy.cli.audit_events import EVENTS
from proxy.cli.desk import Desk, at_desk, moment, refusal
from proxy.cli.store import now
from proxy.cli.table import print_table
from proxy.cli.who import everybody, find, known_names
from proxy.identity import Subject
from proxy.settings.durations import parse_duration
from proxy.storage.audit import AuditQuery

_NAMED = frozenset({"event", "issuer", "subject", "account", "reason", "outcome"})


def run(args: Namespace) -> int:
    """The oldest first; with `--json` one object a line. Raises SettingsError for a limit, event, time or person that is none."""
    if args.limit < 1:
        raise refusal(f"--limit {args.limit} would show nothing: write 1 or more")
    if args.event is not None and args.event not in EVENTS:
        raise refusal(f"there is no event {args.event!r}; {_near(args.event, EVENTS)}")
    return at_desk(args, lambda desk: _show(desk, args))


def since(text: str | None, at: float) -> float:
    """A moment: `24h` ago, or an ISO 8601 date or time (UTC where it names no zone). Raises SettingsError."""
    if text is None:
        return 0.0
    try:
        return at - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refusal(f"{text!r} is no time: write 24h, 7d, 2026-01-31 or 2026-01-31T08:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


async def _show(desk: Desk, args: Namespace) -> int:
    query = await _query(desk, args)
    records = await desk.store.audit.read(query)
    if args.json:
        for at, record in records:
            print(json.dumps({"at": _exactly(at), **record}, ensure_ascii=False))
    elif records:
        heads = ("at", "event", "who", "reason", "outcome", "more")
        print_table(heads, [_row(at, record) for at, record in records])
    else:
        print("nothing is written down")
    return 0


async def _query(desk: Desk, args: Namespace) -> AuditQuery:
    subjects: frozenset[Subject] = frozenset()
    accounts: frozenset[str] = frozenset()
    if args.who is not None:
        subjects, accounts = await _whom(desk, args.who)
        named = AuditQuery(subjects=subjects, accounts=accounts, limit=1)
        if not await desk.store.audit.read(named) and await find(desk, args.who) is None:
            names = known_names(await everybody(desk))
            raise refusal(
                f"nobody is known as {args.who!r}, and no record names them; {_near(args.who, names)}"
            )
    return AuditQuery(
        subjects=subjects,
        accounts=accounts,
        since=since(args.since, now()),
        event=args.event,
        limit=args.limit,
    )


async def _whom(desk: Desk, who: str) -> tuple[frozenset[Subject], frozenset[str]]:
    """Of somebody the store has forgotten, `issuer subject` and an account id still name records."""
    person = await find(desk, who)
    if person is not None:
        return frozenset(person.subjects), frozenset({person.account} if person.account else ())
    issuer, _, subject = who.partition(" ")
    if subject:
        return frozenset({Subject(issuer=issuer, subject=subject)}), frozenset()
    return frozenset(), frozenset({who})


def _near(word: str, known: Iterable[str]) -> str:
    """The closest of what is known; where none is close, where to look."""
    near = difflib.get_close_matches(word, sorted(known), n=3, cutoff=0.5)
    return (
        f"the closest are {', '.join(near)}"
        if near
        else "docs/operations.md and muster members list name them"
    )


def _exactly(at: float) -> str:
    """A time for programs, in UTC with milliseconds, as on standard output."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _row(at: float, record: dict[str, Any]) -> tuple[str, ...]:
    who = str(record.get("subject") or record.get("account") or "")
    more = " ".join(f"{name}={value}" for name, value in record.items() if name not in _NAMED)
    event, reason, outcome = (str(record.get(name) or "") for name in ("event", "reason", "outcome"))
    return moment(at), event, who, reason, outcome, more
