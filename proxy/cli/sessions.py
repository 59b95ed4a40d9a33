"""`muster sessions`: who is signed in where, and ending sessions: one person's, one, or an IdP's."""

from argparse import Namespace
from collections.abc import Sequence

from proxy.cli.desk import EVERYBODY, Desk, at_desk, moment, print_json, refusal
from proxy.cli.store import now
from proxy.cli.table import print_table
from proxy.cli.who import Person, find_one
from proxy.identity import IdpId
from proxy.reasons import Reason
from proxy.session.model import Session
from proxy.web.browser_words import browser_words
from proxy.web.session_facts import SHOWN_DIGITS, account_word, in_full, in_short

_EVER = 1e12


def run(args: Namespace) -> int:
    """0 when done, also where nothing was there to end. Raises SettingsError for somebody or something nobody knows."""
    actions = {"list": _list, "show": _show, "end": _end}
    return at_desk(args, lambda desk: actions[args.action](desk, args))


async def end_sessions(desk: Desk, person: Person, reason: Reason) -> int:
    """How many ended; tunnels and streams of theirs are cut by whichever server has them."""
    ended = [await desk.store.sessions.end_subject(one, reason, now()) for one in person.subjects]
    return sum(map(len, ended))


async def _list(desk: Desk, args: Namespace) -> int:
    sessions = await _narrowed(desk, args, args.person)
    if args.json:
        print_json({"sessions": [in_short(one) for one in sessions]})
    elif not sessions:
        print("nobody is signed in")
    else:
        heads = (
            "session",
            "who",
            "IdP",
            "account",
            "where",
            "browser",
            "signed in",
            "last seen",
            "asked again",
        )
        print_table(heads, [_row(one) for one in sessions])
    return 0


async def _show(desk: Desk, args: Namespace) -> int:
    session = await _one(desk, args.session)
    document = in_full(session)
    if args.json:
        print_json(document)
    else:
        print_table(
            ("", ""), [(name, "" if value is None else str(value)) for name, value in document.items()]
        )
    return 0


async def _end(desk: Desk, args: Namespace) -> int:
    """By person the store is asked by subject, so that what nobody can open ends too."""
    who = args.who or args.person
    if sum(one is not None for one in (args.who, args.person, args.session, args.idp)) != 1:
        raise refusal(
            "say whose sessions end: WHO, --person WHO, --session SESSION, or --idp ID (with --sid SID)"
        )
    if who is not None:
        return await _end_person(desk, args, who)
    sessions = (await _one(desk, args.session),) if args.session else await _narrowed(desk, args, None)
    await desk.store.sessions.end([one.key for one in sessions], Reason.ENDED_BY_OPERATOR, now())
    for one in sessions:
        facts = {
            "issuer": one.subject.issuer,
            "subject": one.subject.subject,
            "session": one.key[:SHOWN_DIGITS],
        }
        await desk.audited("end_session", reason=Reason.ENDED_BY_OPERATOR.value, sessions=1, **facts)
    if args.json:
        print_json({"sessions_ended": len(sessions)})
    else:
        print(f"{len(sessions)} sessions ended")
    return 0


async def _end_person(desk: Desk, args: Namespace, who: str) -> int:
    person = await find_one(desk, who)
    ended = await end_sessions(desk, person, Reason.ENDED_BY_OPERATOR)
    for subject in person.subjects:
        facts = {"issuer": subject.issuer, "subject": subject.subject, "sessions": ended}
        await desk.audited("end_session", reason=Reason.ENDED_BY_OPERATOR.value, **facts)
    if args.json:
        print_json({"person": person.name, "sessions_ended": ended})
    else:
        print(f"{person.name}: {ended} sessions ended")
    return 0


async def _narrowed(desk: Desk, args: Namespace, who: str | None) -> Sequence[Session]:
    """Every session that the filters leave; one that names nothing here is a mistake, not an empty list."""
    if args.sid is not None and args.idp is None:
        raise refusal("--sid needs --idp: its IdP alone knows what it means")
    if args.idp is not None and args.idp not in {idp.id for idp in desk.settings.idps}:
        raise refusal(f"there is no IdP with the id {args.idp!r} in the configuration")
    subjects = None if who is None else (await find_one(desk, who)).subjects
    return [
        one
        for one in await desk.store.sessions.last_used_before(_EVER, EVERYBODY)
        if (subjects is None or one.subject in subjects)
        and (args.idp is None or one.idp == IdpId(args.idp))
        and (args.sid is None or one.idp_session == args.sid)
    ]


async def _one(desk: Desk, named: str) -> Session:
    """The session of an id as listed, or of its first digits where they are enough."""
    sessions = await desk.store.sessions.last_used_before(_EVER, EVERYBODY)
    found = [one for one in sessions if named and one.key.startswith(named.lower())]
    if len(found) != 1:
        why = "no session has" if not found else f"{len(found)} sessions have"
        raise refusal(f"{why} the id {named!r} (muster sessions list shows them)")
    return found[0]


def _row(one: Session) -> tuple[str, ...]:
    who = one.identity.email or one.subject.subject
    times = (moment(one.created_at), moment(one.last_seen_at), moment(one.due_at))
    where = (one.device.peer, browser_words(one.device.user_agent))
    return one.key[:SHOWN_DIGITS], who, one.idp, account_word(one), *where, *times
