"""Looks at whole groups: *Push now* for one link, the sweep for everybody (semantics §7.4).

    Read each linked group's members, and the list of accounts, once.
    Go through the people page by page; compare each with what they should have (`full_look.py`).
    Whoever differs is opened again in the outbox: the courier visits them as it would at a sign-in, the guard included.
    Then look at the members nobody has vouched for (`unknown.py`).
    Wait until the courier is done, and report.

A dry run stops after comparing. Memory is bounded: a page of people at a time, a number for everybody's groups.
A second look finds nothing to do, and so makes no call that changes anything.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from proxy.groups.links import owned_groups
from proxy.groups.rules import AppGroupName
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.app_view import AppView
from proxy.provisioning.errand import Errand
from proxy.provisioning.full_look import Left, Whole
from proxy.provisioning.holding import held_scopes
from proxy.provisioning.kit import Kit
from proxy.provisioning.look import Bound, Look, bound_login
from proxy.provisioning.model import AccountId, Binding, Entry, EntryState
from proxy.provisioning.report import Report, Tally
from proxy.provisioning.seats import count_seats
from proxy.provisioning.whole import Progress, Reading
from proxy.reasons import Reason

PAGE: Final = 200


def _no_progress(what: str, done: int, whole: int) -> None:
    """For those who do not watch."""


class Sweep:
    """`kit` gives what the courier works with now, `wake` tells it that there is work.

    `patience` is for how many seconds the courier may make no headway before a report says that work is left.
    """

    def __init__(self, kit: Callable[[], Kit], wake: Callable[[], None], *, patience: float = 120.0) -> None:
        self._kit = kit
        self._wake = wake
        self._patience = patience

    async def everybody(
        self, *, is_dry_run: bool, progress: Progress = _no_progress, tally: Tally | None = None
    ) -> Report | AppFault:
        """Every linked group and every bound member. A fault where the app could not be read whole: then nothing was changed.

        `tally` is what was found already, by a look at the inactive."""
        kit = self._kit().on_errand(Errand(purpose="sweep"))
        started = kit.clock()
        whole = await self._reading(kit, progress).everybody()
        if isinstance(whole, AppTrouble | AppRefusal):
            return whole
        if not is_dry_run and kit.rules.seats is not None:
            await count_seats(kit.app, kit.counters, looked_at=started, now=kit.clock())
        look = Look.begun(kit, whole, None, is_dry_run, progress, tally)
        return await self._looked(look, started)

    async def group(
        self, name: AppGroupName, *, is_dry_run: bool, progress: Progress = _no_progress
    ) -> Report | AppFault:
        """One linked group: its members, and whoever should be one. A refusal where it is not linked or not there."""
        kit = self._kit().on_errand(Errand(purpose="push", cause=name))
        started = kit.clock()
        whole = await self._reading(kit, progress).one_group(name)
        if isinstance(whole, AppTrouble | AppRefusal):
            return whole
        return await self._looked(Look.begun(kit, whole, name, is_dry_run, progress), started)

    def _reading(self, kit: Kit, progress: Progress) -> Reading:
        return Reading(kit=kit, view=AppView(kit.app, kit.rules.groups, kit.clock), progress=progress)

    async def _looked(self, look: Look, started: float) -> Report:
        kit, bound = look.kit, await _bound(look.kit)
        look.seen = await _seen(kit, look.whole)
        opened: list[int] = []
        async for page in _pages(kit):
            differing = await look.compare(page, bound)
            if not look.is_dry_run:
                opened += await self._open(look, differing)
            look.progress("people", look.tally.looked_at, len(bound))
        await look.unknown(bound)
        await self._settle(look, opened, bound)
        look.tally.held_scopes |= {*await held_scopes(kit.ledger)}
        if look.is_dry_run:
            look.tally.would_hold = await look.would_hold() - look.tally.held_scopes
        return look.tally.report(is_dry_run=look.is_dry_run, seconds=kit.clock() - started)

    async def _open(self, look: Look, differing: list[int]) -> list[int]:
        """Open those who differ, and whoever is parked for what the app's API said, though they agree by now."""
        aside, look.aside = look.aside, {}
        chosen = {one: aside[one] for one in aside if one in differing or aside[one] is EntryState.PARKED}
        for number, state in chosen.items():
            await look.kit.outbox.reopen(number, state, look.kit.clock())
        done = [one for one in differing if one not in chosen]
        if done:
            await look.kit.outbox.reopen_named(done, look.kit.clock())
        if done or chosen:
            self._wake()
        return [*done, *chosen]

    async def _settle(self, look: Look, opened: list[int], bound: Bound) -> None:
        """Wait for the courier as long as it makes headway; whoever is left is reported."""
        loop = asyncio.get_running_loop()
        waiting_for, headway_at = set(opened), loop.time()
        while waiting_for and loop.time() - headway_at < self._patience:
            some = sorted(waiting_for)[:PAGE]
            there = {one.id: one for one in await look.kit.outbox.entries_named(some)}
            settled = [one for one in some if one not in there or there[one].state is not EntryState.OPEN]
            for number in settled:
                look.settled(there.get(number), bound)
            waiting_for.difference_update(settled)
            look.progress("visits", len(opened) - len(waiting_for), len(opened))
            if settled:
                headway_at = loop.time()
            else:
                await asyncio.sleep(min(0.25, look.kit.rules.poll))
        for entry in await look.kit.outbox.entries_named(waiting_for):
            waits = Left(reason=entry.reason or Reason.BEING_SET_UP, detail="not done yet")
            look.left(entry, waits, bound_login(bound, entry))


async def _pages(kit: Kit) -> AsyncIterator[tuple[Entry, ...]]:
    last = 0
    while page := await kit.outbox.entries_after(last, PAGE):
        last = page[-1].id
        yield page


async def _bound(kit: Kit) -> Bound:
    found: dict[AccountId, tuple[Binding, ...]] = {}
    for binding in await kit.bindings.all_bindings():
        found[binding.account_id] = (*found.get(binding.account_id, ()), binding)
    return found


async def _seen(kit: Kit, whole: Whole) -> frozenset[AppGroupName]:
    """Groups that equal names led somebody to before."""
    rules = kit.rules.groups
    if not rules.is_same_name:
        return frozenset()
    unowned = whole.names - owned_groups(rules)
    return frozenset([name for name in sorted(unowned) if await kit.bindings.count_in_group(name)])
