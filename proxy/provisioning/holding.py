"""Asks the guard about a plan, with the figures that all replicas share, and releases or drops what it holds."""

from proxy.groups.links import linked_groups, owned_groups
from proxy.groups.rules import AppGroupName, GroupRules
from proxy.identity import IdpId
from proxy.provisioning.guard import (
    RELEASED,
    WAITING,
    Figure,
    Judgement,
    judge,
    link_scope,
    released_mark,
    scopes_to_count,
    waiting_mark,
)
from proxy.provisioning.kit import Journal, Kit
from proxy.provisioning.model import AccountId, Entry, EntryState, Leave, Plan
from proxy.provisioning.outbox import GuardLedger, Outbox
from proxy.reasons import Reason

ALL = 1_000_000


async def consult_guard(
    kit: Kit, journal: Journal, planned: Plan, *, idp: IdpId | None, account: AccountId
) -> Judgement:
    """Counts the person in every scope the plan takes something under, judges, and latches what that trips."""
    latched = await kit.ledger.latched()
    figures: dict[str, Figure] = {}
    for scope in scopes_to_count(planned, idp):
        if scope in latched or released_mark(scope, account) in latched:
            continue
        count = await kit.ledger.count_removal(scope, account, kit.clock(), window=kit.rules.guard.window)
        figures[scope] = Figure(count=count, whole=await _whole(kit, scope, planned, count))
    judgement = judge(planned, figures, latched, idp=idp, person=account, rules=kit.rules.guard)
    for scope in sorted(judgement.tripped):
        if await kit.ledger.latch(scope, kit.clock()):
            detail = f"{figures[scope].count} people within an hour, of {figures[scope].whole}"
            journal.write("alarm", Reason.GUARD_TRIPPED, cause=detail, outcome=scope)
    kit.checkpoint("judged")
    return judgement


async def held_scopes(ledger: GuardLedger) -> tuple[str, ...]:
    """The scopes that wait for an administrator."""
    latched = await ledger.latched()
    return tuple(sorted(scope for scope in latched if not scope.startswith((RELEASED, WAITING))))


async def release(scope: str, outbox: Outbox, ledger: GuardLedger, now: float) -> int:
    """Let what is held under a scope go on, planned again from the truth; how many people.

    They are marked one by one first: the hour's count would hold them again at once.
    """
    entries = await _held(scope, outbox)
    for entry in entries:
        if entry.account_id is not None:
            await ledger.latch(released_mark(scope, entry.account_id), now)
    waiting = await _no_longer_waiting(scope, ledger)
    for person in waiting:
        await ledger.latch(released_mark(scope, person), now)
    await ledger.unlatch(scope)
    for entry in entries:
        await outbox.reopen(entry.id, EntryState.HELD, now)
    return len(entries) + len(waiting)


async def drop(scope: str, outbox: Outbox, ledger: GuardLedger, now: float) -> int:
    """Leave in the app what is held under a scope, until somebody's statement says something else; how many people.

    Each is settled in one step: opened again it would be for a courier to take, and to carry out once the latch is gone.
    """
    settled = [await outbox.dismiss(entry, now) for entry in await _held(scope, outbox)]
    waiting = await _no_longer_waiting(scope, ledger)
    await ledger.unlatch(scope)
    return sum(settled) + len(waiting)


async def end_unlinked(rules: GroupRules, outbox: Outbox, ledger: GuardLedger, now: float) -> tuple[str, ...]:
    """The latches of links that are no more, ended: whoever they held is planned again, and the group is left alone.

    To be called once nobody goes by rules that still link these groups. What equal names lead to is linked by no link.
    """
    if rules.is_same_name:
        return ()
    known = {link_scope(group) for group in linked_groups(rules) | owned_groups(rules)}
    links = (scope for scope in await held_scopes(ledger) if scope.startswith(link_scope(AppGroupName(""))))
    ended = tuple(scope for scope in links if scope not in known)
    for scope in ended:
        for entry in await _held(scope, outbox):
            await outbox.reopen(entry.id, EntryState.HELD, now)
        await _no_longer_waiting(scope, ledger)
        await ledger.unlatch(scope)
    return ended


async def _no_longer_waiting(scope: str, ledger: GuardLedger) -> tuple[str, ...]:
    """Members nobody vouched for, whom a look at the whole group found and the guard held; the next look finds them again."""
    prefix = waiting_mark(scope, "")
    marks = sorted(mark for mark in await ledger.latched() if mark.startswith(prefix))
    for mark in marks:
        await ledger.unlatch(mark)
    return tuple(mark.removeprefix(prefix) for mark in marks)


async def _held(scope: str, outbox: Outbox) -> list[Entry]:
    """An entry's detail names the scopes that hold it, one a line (`Ending.agreed`)."""
    entries = await outbox.entries(EntryState.HELD, ALL)
    return [entry for entry in entries if scope in entry.detail.split("\n")]


async def _whole(kit: Kit, scope: str, planned: Plan, count: int) -> int:
    """The scope's members before anything was taken in this window: those who left a link are counted in again."""
    for step in planned.steps:
        if isinstance(step.operation, Leave) and scope == link_scope(step.operation.group.name):
            return await kit.bindings.count_in_group(step.operation.group.name) + count - 1
    return await kit.bindings.count_members()
