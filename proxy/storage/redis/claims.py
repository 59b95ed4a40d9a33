"""What is written under a claim, and what opens entries again: functions of one unit of work each.

Every write under a claim is guarded by its token: whoever lost the claim writes nothing. An expired claim that nobody took
since may still write and be renewed; the token, not the time, keeps two couriers apart.
"""

from collections.abc import Iterable

from proxy.provisioning.model import Entry, EntryState
from proxy.provisioning.outbox import Claim
from proxy.reasons import Reason
from proxy.storage.redis import entry_steps
from proxy.storage.redis.entry_steps import Kept
from proxy.storage.redis.entry_text import kept_from_text
from proxy.storage.redis.entry_writes import delete_entry, entry_numbered, write_entry
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.work import Work


async def is_held(work: Work, keys: OutboxKeys, claim: Claim) -> bool:
    """Whether nobody claimed the entry since, and it was not given back."""
    holder, token = await work.fields(keys.claim(claim.entry.id), "holder", "token")
    return (holder, token) == (claim.holder.encode(), str(claim.token).encode())


async def held_entry(work: Work, keys: OutboxKeys, claim: Claim) -> Kept | None:
    """The claimed entry as it is now; None when the claim was lost."""
    if not await is_held(work, keys, claim):
        return None
    return await entry_numbered(work, keys, claim.entry.id)


async def extend_claim(work: Work, keys: OutboxKeys, claim: Claim, until: float) -> bool:
    """Whoever looks at the entry when the claim was to run out sees that it has not."""
    is_ours = await is_held(work, keys, claim)
    if is_ours:
        work.do("HSET", keys.claim(claim.entry.id), "until", until)
    return is_ours


async def write_creating(work: Work, keys: OutboxKeys, claim: Claim, login: str) -> bool:
    kept = await held_entry(work, keys, claim)
    if kept is not None:
        write_entry(work, keys, kept, entry_steps.creating(kept, login))
    return kept is not None


async def acknowledge(work: Work, keys: OutboxKeys, claim: Claim, now: float) -> Entry | None:
    kept = await held_entry(work, keys, claim)
    if kept is None:
        return None
    return _give_back(work, keys, kept, entry_steps.acknowledged(kept, claim.entry.version, now))


async def put_back(
    work: Work, keys: OutboxKeys, claim: Claim, *, at: float, reason: Reason, detail: str
) -> None:
    kept = await held_entry(work, keys, claim)
    if kept is not None:
        after = entry_steps.put_back(kept, claim.entry.version, at=at, reason=reason, detail=detail)
        _give_back(work, keys, kept, after)


async def lay_aside(
    work: Work, keys: OutboxKeys, claim: Claim, state: EntryState, *, reason: Reason, detail: str
) -> None:
    kept = await held_entry(work, keys, claim)
    if kept is not None:
        after = entry_steps.laid_aside(kept, claim.entry.version, state, reason=reason, detail=detail)
        _give_back(work, keys, kept, after)


async def drop_entry(work: Work, keys: OutboxKeys, claim: Claim) -> None:
    """Delete an unbound entry; only give the claim back where a newer statement came or it is bound."""
    kept = await held_entry(work, keys, claim)
    if kept is None:
        return
    if kept.entry.account_id is None and kept.entry.version == claim.entry.version:
        delete_entry(work, keys, kept)
    else:
        _give_back(work, keys, kept, kept)


async def open_again(
    work: Work, keys: OutboxKeys, entry_ids: Iterable[int], state: EntryState, now: float, *, is_bulk: bool
) -> int:
    """How many of these were in that state and are open now."""
    if state is EntryState.OPEN:
        return 0
    texts = await work.read(*(("GET", keys.entry(one)) for one in entry_ids))
    found = [kept_from_text(text) for text in texts if text is not None]
    chosen = [kept for kept in found if kept.entry.state is state]
    for kept in chosen:
        write_entry(work, keys, kept, entry_steps.opened_again(kept, now, is_bulk=is_bulk))
    return len(chosen)


async def dismiss(work: Work, keys: OutboxKeys, entry: Entry, now: float) -> bool:
    """Done as it stands, in one step: no courier can carry it out in between. False where it is not as it was any more."""
    kept = await entry_numbered(work, keys, entry.id)
    if kept is None or (kept.entry.state, kept.entry.version) != (entry.state, entry.version):
        return False
    write_entry(work, keys, kept, entry_steps.dismissed(kept, now))
    return True


def _give_back(work: Work, keys: OutboxKeys, before: Kept, after: Kept) -> Entry:
    """The claim ends with this write; its token stays, and tells the next one from it."""
    work.do("HDEL", keys.claim(after.entry.id), "holder", "until")
    write_entry(work, keys, before, after)
    return after.entry
