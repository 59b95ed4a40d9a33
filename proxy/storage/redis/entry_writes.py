"""Entries as records: how one is found, and how one is written with everything that points to it, inside a unit of work."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from proxy.identity import IdpId, Subject
from proxy.provisioning.merge import merge_statement
from proxy.provisioning.model import AccountId, Binding, Entry, EntryState, Statement, Vouched
from proxy.storage.redis.entry_steps import Kept, begun, restated
from proxy.storage.redis.entry_text import binding_from_text, kept_from_text, kept_to_text
from proxy.storage.redis.keys import subject_text
from proxy.storage.redis.outbox_keys import BULK, PLAIN, OutboxKeys, member
from proxy.storage.redis.work import Work

_GIVE_ID: Final = """
local given = redis.call('GET', KEYS[1])
if given then return given end
local id = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], id, 'EX', 60)
return id
"""
"""The next id, and the same one to all who ask for the same entry at once; asking twice does no harm."""


async def binding_in(work: Work, keys: OutboxKeys, subject: Subject) -> Binding | None:
    """The subject's binding, guarded."""
    text = await work.get(keys.binding(subject))
    return None if text is None else binding_from_text(subject, text)


async def entry_in(work: Work, keys: OutboxKeys, index: str) -> Kept | None:
    """The entry whose id stands there, guarded."""
    found = await work.get(index)
    return None if found is None else await entry_numbered(work, keys, int(found))


async def entry_numbered(work: Work, keys: OutboxKeys, entry_id: int) -> Kept | None:
    text = await work.get(keys.entry(entry_id))
    return None if text is None else kept_from_text(text)


async def entry_of_subject(work: Work, keys: OutboxKeys, subject: Subject) -> Kept | None:
    """The account's entry once the subject is bound, else the one that asks for an account."""
    account = await _account_of(work, keys, subject)
    return await entry_in(work, keys, keys.entry_index(subject, account))


async def note_statement(work: Work, keys: OutboxKeys, statement: Statement, now: float) -> Entry:
    """Merge the statement into the person's entry, made when absent."""
    (seq,) = await work.peek(("INCR", keys.sequence))
    numbered = replace(statement, seq=int(seq))
    account = await _account_of(work, keys, statement.subject)
    kept = await entry_in(work, keys, keys.entry_index(statement.subject, account))
    if kept is None:
        return await _begin(work, keys, numbered, account, now)
    merged = merge_statement(kept.entry.statements, numbered)
    if merged is None:
        return kept.entry
    after = restated(kept, merged, now)
    write_entry(work, keys, kept, after)
    return after.entry


async def _account_of(work: Work, keys: OutboxKeys, subject: Subject) -> AccountId | None:
    bound = await binding_in(work, keys, subject)
    return None if bound is None else bound.account_id


async def _begin(
    work: Work, keys: OutboxKeys, statement: Statement, account: AccountId | None, now: float
) -> Entry:
    index = keys.entry_index(statement.subject, account)
    coming = keys.coming(index)
    await work.peek(("EVAL", _GIVE_ID, 2, coming, keys.ids))
    given = await work.get(coming)
    # Gone already only when another wrote the entry: then the guards do not hold, and the unit runs again.
    entry_id = int(given or 0)
    merged = merge_statement((), statement) or (statement,)
    kept = begun(entry_id, account, statement.subject, merged, now)
    work.do("DEL", coming)
    work.do("SET", index, entry_id)
    write_entry(work, keys, None, kept)
    return kept.entry


def write_entry(work: Work, keys: OutboxKeys, before: Kept | None, after: Kept) -> None:
    """The record, and its place in every index. An open one is looked at by whoever claims next, who sees if it is taken."""
    entry = after.entry
    name = member(entry.id)
    _leave_states(work, keys, entry.id, besides=entry.state)
    _leave_queue(work, keys, entry.id)
    _write_silence(work, keys, entry.id, before.entry.statements if before else (), entry.statements)
    work.do("SET", keys.entry(entry.id), kept_to_text(after))
    work.do("ZADD", keys.entries, entry.id, name)
    work.do("ZADD", keys.state(entry.state), entry.since, name)
    if entry.state is EntryState.OPEN:
        work.do("ZADD", keys.later(BULK if after.is_bulk else PLAIN), entry.next_attempt_at, name)


def delete_entry(work: Work, keys: OutboxKeys, kept: Kept) -> None:
    """The record, any claim on it, and everything that points to it."""
    entry = kept.entry
    work.do("DEL", keys.entry(entry.id))
    work.do("DEL", keys.claim(entry.id))
    if kept.asking is not None:
        work.do("DEL", keys.asking(kept.asking))
    if entry.account_id is not None:
        work.do("DEL", keys.owned(entry.account_id))
    _leave_states(work, keys, entry.id, besides=None)
    _leave_queue(work, keys, entry.id)
    _write_silence(work, keys, entry.id, entry.statements, ())
    work.do("ZREM", keys.entries, member(entry.id))


def _leave_states(work: Work, keys: OutboxKeys, entry_id: int, *, besides: EntryState | None) -> None:
    for state in EntryState:
        if state is not besides:
            work.do("ZREM", keys.state(state), member(entry_id))


def _leave_queue(work: Work, keys: OutboxKeys, entry_id: int) -> None:
    for bulk in (PLAIN, BULK):
        work.do("ZREM", keys.later(bulk), member(entry_id))
        work.do("ZREM", keys.waiting(bulk), member(entry_id))


def _write_silence(
    work: Work, keys: OutboxKeys, entry_id: int, before: Iterable[Statement], after: Iterable[Statement]
) -> None:
    old, new = _silent(entry_id, before), _silent(entry_id, after)
    for source, name in old.keys() - new.keys():
        work.do("ZREM", keys.silent(source), name)
    for (source, name), since in new.items():
        if old.get((source, name)) != since:
            work.do("SADD", keys.silent_idps, source)
            work.do("ZADD", keys.silent(source), since, name)


def _silent(entry_id: int, statements: Iterable[Statement]) -> dict[tuple[IdpId, str], float]:
    """By source and person, since when groups are not stated; those removed are not silent."""
    return {
        (one.source, f"{member(entry_id)}:{subject_text(one.subject)}"): one.not_stated_since
        for one in statements
        if one.not_stated_since is not None and isinstance(one.says, Vouched)
    }
