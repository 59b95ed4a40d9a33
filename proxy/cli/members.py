"""`muster members`: who is bound to which account, and taking somebody out or back by hand (semantics §6.6).

Archiving: what the IdPs last said is kept, a removal is stated in its place, every session ends, and the app is made to agree:
by the running server, or by the command itself where none runs. Denying is a ruling that stays until it is taken back.
"""

from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from proxy.app.rulings import open_denied
from proxy.cli.carrying import HEAD_START, carried_out, ruling_heard
from proxy.cli.desk import Desk, at_desk, moment, operator, print_json, refusal, say
from proxy.cli.members_shown import list_members, show_member
from proxy.cli.sessions import end_sessions
from proxy.cli.store import now
from proxy.cli.who import PREFIXES, Person, apart, everybody, find, find_one, with_address
from proxy.groups.evaluate import is_deny_listed
from proxy.groups.stored import denied, effective_join
from proxy.provisioning.by_hand import Source, is_by_hand, removals, restorations
from proxy.provisioning.model import Removed
from proxy.reasons import Reason
from proxy.session import policy
from proxy.settings.people import check_denied

LATELY: Final = 86_400.0
"""Seconds within which an IdP's word counts as lately."""


def run(args: Namespace) -> int:
    """0 when done; 1 when it cannot be done as things stand. Raises SettingsError for somebody nobody knows."""
    actions: dict[str, Callable[[Desk, Namespace], Awaitable[int]]] = {
        "list": list_members,
        "show": show_member,
        "archive": _archive,
        "restore": _restore,
        "deny": _deny,
        "undeny": _undeny,
    }
    return at_desk(args, lambda desk: actions[args.action](desk, args))


async def _archive(desk: Desk, args: Namespace) -> int:
    person = await find_one(desk, args.who)
    if person.account is None:
        raise refusal(f"{person.name} has no account; to keep them out: muster members deny")
    returns = _would_come_back(person)
    await state_removed(desk, person)
    ended = await end_sessions(desk, person, Reason.ENDED_BY_OPERATOR)
    await _audit_each(desk, "remove", person, reason=Reason.ENDED_BY_OPERATOR.value, sessions=ended)
    if returns:
        say(
            f"{returns}; they would come back at the next sign-in. To keep them out: muster members deny {args.who!r}"
        )
    return await _outcome(desk, args, person, f"{ended} sessions ended", would_come_back=bool(returns))


async def state_removed(desk: Desk, person: Person) -> None:
    """A removal in place of every source's word, which is kept for the day it is taken back."""
    statements = person.entry.statements if person.entry else ()
    stated = removals(statements, _times(person))
    if stated and person.account is not None:
        await desk.store.rulings.keep_statements(person.account, statements, operator())
    for statement in stated:
        await desk.store.outbox.note(statement, now())


def _times(person: Person) -> dict[Source, float]:
    """Now by each IdP's clock, as far as live sessions tell."""
    return {(one.idp, one.subject): policy.idp_time(one, now()) for one in person.sessions}


def _would_come_back(person: Person) -> str | None:
    """Why they would, in words; None when their IdP said nothing of them lately."""
    if person.sessions:
        return "they were signed in"
    last = person.last_vouched_at
    if last is not None and last >= now() - LATELY:
        return f"their IdP vouched for them at {moment(last)}"
    return None


async def _restore(desk: Desk, args: Namespace) -> int:
    person = await find_one(desk, args.who)
    statements = person.entry.statements if person.entry else ()
    kept = await desk.store.rulings.kept_statements(person.account) if person.account else ()
    back = restorations(statements, kept)
    if not back or person.account is None:
        say(_why_not_restored(person))
        return 1
    if any(
        is_deny_listed(one.says.identity, desk.effective.join)
        for one in kept
        if not isinstance(one.says, Removed)
    ):
        say(f"{person.name} is on the deny list: muster members undeny {args.who!r} first")
        return 1
    for statement in back:
        await desk.store.outbox.note(statement, now())
    await desk.store.rulings.drop_statements(person.account)
    await _audit_each(desk, "rule", person, outcome="members restore")
    if not desk.effective.is_provisioning_on:
        say("provisioning is off: nobody is restored until it is on (muster provisioning on)")
    return await _outcome(desk, args, person, "what their IdP last said holds again")


def _why_not_restored(person: Person) -> str:
    statements = person.entry.statements if person.entry else ()
    reasons = sorted({one.says.reason.value for one in statements if isinstance(one.says, Removed)})
    if reasons and not any(is_by_hand(one) for one in statements):
        return f"{person.name} was removed by their IdP ({', '.join(reasons)}): they come back when it vouches for them again"
    if reasons:
        return f"nothing is kept of what the IdP of {person.name} said: they come back at their next sign-in"
    return f"{person.name} was not archived by hand"


async def _deny(desk: Desk, args: Namespace) -> int:
    people = await _meant(desk, args.who)
    names = _deny_names(args.who, people)
    ruled_by = operator()
    added = [name for name in names if await desk.store.rulings.deny(name, ruled_by)]
    desk.effective.adopt(await desk.store.rulings.ruled())
    ended = 0
    for person in people:
        count = await end_sessions(desk, person, Reason.DENY_LISTED)
        await _audit_each(desk, "remove", person, reason=Reason.DENY_LISTED.value, sessions=count)
        ended += count
    stood = ", ".join(name for name in names if name not in added)
    await desk.audited("rule", outcome="members deny", before=stood, after=", ".join(names))
    words = f"{', '.join(names)} {'may not sign in any more' if added else 'was denied already'}; {ended} sessions ended"
    bound = [one for one in people if one.account is not None]
    if bound and args.wait and not await ruling_heard(desk, seconds=min(HEAD_START, args.wait)):
        await open_denied(desk.store.outbox, desk.effective.join, now())
    settled = [await _settled(desk, args, one) for one in bound]
    lines = [f"{one['person']}: {words}; account {one['account']}: {one['said']}" for one in settled]
    first = settled[0] if settled else {}
    document = {**first, "denied": names, "sessions_ended": ended, "people": settled}
    return _said(args, document, "\n".join(lines) or words)


async def _meant(desk: Desk, who: str) -> list[Person]:
    """Whom a deny entry is for. What is a whole address means the address, whoever chose it for a login."""
    address = _address(who)
    if address is None:
        person = await find(desk, who)
        return [] if person is None else [person]
    people = await with_address(desk, address)
    for other in await everybody(desk):
        if other not in people and other.answers_to(who):
            say(f"{who!r} is also the login of {apart(other)}, who has another address and is not meant")
    return people


def _address(who: str) -> str | None:
    """The address, where a whole one was written and nothing else is said to be meant."""
    name = _listable(who.removeprefix("email:"))
    return name if name is not None and " " not in name else None


def _listable(who: str) -> str | None:
    """An address or `issuer subject` as it stands on the deny list."""
    if who.partition(":")[0] in PREFIXES:
        return None
    try:
        return check_denied(who)
    except ValueError:
        return None


def _deny_names(who: str, people: list[Person]) -> list[str]:
    """What goes onto the list: the address as it was written, and the subjects of whoever has it now, so that another address
    lets nobody in; else the person's subjects."""
    typed = _address(who) or _listable(who)
    subjects = [f"{one.issuer} {one.subject}" for person in people for one in person.subjects]
    if not typed and not subjects:
        raise refusal(
            f"nobody is known as {who!r}: write an e-mail address, or an issuer and a subject in quotes"
        )
    return list(dict.fromkeys([*([typed] if typed else []), *subjects]))


async def _undeny(desk: Desk, args: Namespace) -> int:
    people = await _meant(desk, args.who)
    typed = _address(args.who) or args.who
    names = {typed, *(name for one in people for name in _names_of(one))}
    stored = _denied_together(desk, args.who, sorted(denied(desk.effective.ruled.denials) & names))
    if not stored:
        is_configured = desk.effective.configured_join.deny & names
        say(
            f"{args.who!r} is denied by the configuration: change it there"
            if is_configured
            else f"{args.who!r} is not denied"
        )
        return 1
    for person in await everybody(desk):
        if person.account is not None and _is_free_without(desk, person, stored):
            # Else the last word of an IdP, however old, would let them in again without anybody asking it.
            await state_removed(desk, person)
    for name in stored:
        await desk.store.rulings.undeny(name)
    await desk.audited("rule", outcome="members undeny", before=", ".join(stored), after="")
    words = (
        f"{', '.join(stored)} may sign in again; an account that was archived is restored at the next sign-in"
    )
    return _said(args, {"undenied": stored}, words)


def _denied_together(desk: Desk, who: str, stored: list[str]) -> list[str]:
    """With an address go the subjects that were denied by it, though they may have another one by now."""
    address = _address(who)
    origins = {one.origin for one in desk.effective.ruled.denials if one.who == address}
    return sorted({*stored, *(one.who for one in desk.effective.ruled.denials if one.origin in origins)})


def _names_of(person: Person) -> set[str]:
    return {*person.emails, *(f"{one.issuer} {one.subject}" for one in person.subjects)}


def _is_free_without(desk: Desk, person: Person, names: Iterable[str]) -> bool:
    """Whether they would be denied no more once these names are off the list."""
    ruled = desk.effective.ruled
    left = replace(ruled, denials=tuple(one for one in ruled.denials if one.who not in set(names)))
    join = effective_join(desk.effective.configured_join, left)
    is_denied_now = any(is_deny_listed(one, desk.effective.join) for one in person.identities)
    return is_denied_now and not any(is_deny_listed(one, join) for one in person.identities)


async def _audit_each(desk: Desk, event: str, person: Person, **facts: Any) -> None:
    for one in person.subjects:
        await desk.audited(event, issuer=one.issuer, subject=one.subject, **facts)


async def _outcome(desk: Desk, args: Namespace, person: Person, words: str, **facts: Any) -> int:
    """Waits, and says what became of the account."""
    document = await _settled(desk, args, person)
    line = f"{person.name}: {words}; account {person.account}: {document['said']}"
    return _said(args, {**document, **facts}, line)


async def _settled(desk: Desk, args: Namespace, person: Person) -> dict[str, Any]:
    """What became of the account, after the time to wait."""
    carried = await carried_out(desk, person.first_subject, seconds=args.wait)
    state = carried.entry.state.value if carried.entry else None
    return {"person": person.name, "account": person.account, "state": state, "said": carried.word}


def _said(args: Namespace, document: dict[str, Any], words: str) -> int:
    if args.json:
        print_json(document)
    else:
        print(words)
    return 0
