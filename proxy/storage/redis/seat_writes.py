"""Seats: an active account holds one for as long as it is active, a newcomer's reservation for a while.

Functions of one unit of work each. Accounts stand by when they took their seat, people by until when one is kept for them.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from proxy.provisioning.model import AccountId
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.work import Work

_AT_ONCE: Final = 1000
"""Members that one command adds."""


async def reserve(work: Work, keys: OutboxKeys, person: str, limit: int, *, now: float, until: float) -> bool:
    """Whether the person holds a seat until then. Somebody who holds one already keeps it, whatever the limit is now."""
    held, taken, reserved = await work.read(
        ("ZSCORE", keys.reserved, person),
        ("ZCARD", keys.seats),
        ("ZCOUNT", keys.reserved, f"({now!r}", "+inf"),
    )
    work.do("ZREMRANGEBYSCORE", keys.reserved, "-inf", now)
    if (held is None or float(held) <= now) and int(taken) + int(reserved) >= limit:
        return False
    work.do("ZADD", keys.reserved, until, person)
    return True


def settle(work: Work, keys: OutboxKeys, person: str, account: AccountId, *, now: float) -> None:
    """The account is active; the reservation made for it is over."""
    give_back(work, keys, person)
    work.do("ZADD", keys.seats, now, account)


def give_back(work: Work, keys: OutboxKeys, person: str) -> None:
    work.do("ZREM", keys.reserved, person)


def vacate(work: Work, keys: OutboxKeys, account: AccountId) -> None:
    """The account is active no more."""
    work.do("ZREM", keys.seats, account)


async def recount(
    work: Work, keys: OutboxKeys, accounts: Iterable[AccountId] | None, *, looked_at: float, now: float
) -> None:
    """The active accounts, as the app showed them when it was `looked_at`; None: those of our bindings that are not blocked.

    Seats taken since stay: the look cannot have shown them.
    """
    active: Iterable[str] = accounts if accounts is not None else await _of_our_bindings(work, keys)
    work.do("ZREMRANGEBYSCORE", keys.seats, "-inf", f"({looked_at!r}")
    for some in _shares(sorted({*active})):
        pairs = [word for account in some for word in (looked_at, account)]
        work.do("ZADD", keys.seats, "NX", *pairs)
    work.do("SET", keys.seats_counted, now)


async def count(work: Work, keys: OutboxKeys, now: float) -> int:
    (taken,) = await work.read(("ZCARD", keys.seats))
    (reserved,) = await work.read(("ZCOUNT", keys.reserved, f"({now!r}", "+inf"))
    return int(taken) + int(reserved)


async def _of_our_bindings(work: Work, keys: OutboxKeys) -> list[str]:
    """Guarded by their number alone: who is blocked meanwhile also gives up a seat by name."""
    (accounts,) = await work.peek(("HVALS", keys.unblocked))
    return [account.decode() for account in accounts]


def _shares(accounts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (accounts[begin : begin + _AT_ONCE] for begin in range(0, len(accounts), _AT_ONCE))
