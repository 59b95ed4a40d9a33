"""Seats (semantics §4.3): how many accounts may be active in the app, and that parallel newcomers never exceed it.

| who | a seat |
|---|---|
| a newcomer, before their account is made | is reserved; none left: refused, and nothing was made |
| an archived account, before it is restored | is reserved; none left: parked, and stays archived |
| an account that is active now | is settled; its reservation ends in the same step |
| refused by the app | the reservation is given back |
| no word from the app | the reservation stands until it runs out: the account may have been made |
| an account archived by us | is free again |

Active accounts are those that the app lists, where its preset can; else those of our bindings that are not blocked. They
are counted at the sweep, and when nobody has counted for a day. Without `joining.seats` none of this happens.
"""

from typing import Final

from proxy.provisioning.app_admin import AppAdmin, AppFault, AppRefusal, AppTrouble
from proxy.provisioning.kit import Kit
from proxy.provisioning.model import AccountId
from proxy.provisioning.outbox import SharedCounters
from proxy.reasons import Reason

RESERVED_SECONDS: Final = 600.0
COUNT_KEPT_SECONDS: Final = 86_400.0


async def reserve_seat(kit: Kit, person: str) -> AppFault | None:
    """None: go on. A refusal says that no seat is left; trouble that nobody could count them yet."""
    limit = kit.rules.seats
    if limit is None:
        return None
    if fault := await _counted(kit):
        return fault
    if await kit.counters.reserve_seat(person, limit, kit.clock(), seconds=RESERVED_SECONDS):
        return None
    return AppRefusal(reason=Reason.NO_SEAT, detail=f"all {limit} seats are taken")


async def reserve_for_restore(kit: Kit, account: AccountId) -> AppFault | None:
    """As above, for an account that the app shows as archived: it holds no seat, whatever was counted before."""
    if kit.rules.seats is not None:
        await kit.counters.vacate_seat(account)
    return await reserve_seat(kit, restoring(account))


async def settle_seat(kit: Kit, person: str, account: AccountId) -> None:
    if kit.rules.seats is not None:
        await kit.counters.settle_seat(person, account, kit.clock())


async def release_seat(kit: Kit, person: str) -> None:
    if kit.rules.seats is not None:
        await kit.counters.release_seat(person)


async def vacate_seat(kit: Kit, account: AccountId) -> None:
    if kit.rules.seats is not None:
        await kit.counters.vacate_seat(account)


def restoring(account: AccountId) -> str:
    """What a reservation for a restore is made under."""
    return f"restore {account}"


async def count_seats(
    app: AppAdmin, counters: SharedCounters, *, looked_at: float, now: float
) -> AppFault | None:
    """Ask the app who is active, and write it down; nothing is written after a fault."""
    active: frozenset[AccountId] | None = None
    if app.capabilities.can_list_accounts:
        listed = await app.list_accounts()
        if isinstance(listed, AppTrouble | AppRefusal):
            return listed
        active = frozenset(one.id for one in listed if one.is_active)
    await counters.recount_seats(active, looked_at=looked_at, now=now)
    return None


async def _counted(kit: Kit) -> AppFault | None:
    """Once a day, by one visit at a time. An old count is better than none: only a first one that fails is a fault."""
    async with kit.counting:
        counted_at = await kit.counters.seats_counted_at()
        now = kit.clock()
        if counted_at is not None and 0 <= now - counted_at < COUNT_KEPT_SECONDS:
            return None
        fault = await count_seats(kit.app, kit.counters, looked_at=now, now=now)
        return fault if counted_at is None else None
