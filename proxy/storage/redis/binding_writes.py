"""Bindings and memberships as records, and what binding does to entries: functions of one unit of work each."""

from collections.abc import Iterable
from dataclasses import replace

from proxy.groups.rules import AppGroupName
from proxy.identity import Subject
from proxy.provisioning.model import AccountId, Binding
from proxy.provisioning.outbox import Claim
from proxy.storage.redis import entry_steps
from proxy.storage.redis.claims import held_entry
from proxy.storage.redis.entry_steps import Kept
from proxy.storage.redis.entry_text import binding_to_text
from proxy.storage.redis.entry_writes import binding_in, delete_entry, entry_in, write_entry
from proxy.storage.redis.keys import subject_of, subject_text
from proxy.storage.redis.outbox_keys import OutboxKeys, ordered
from proxy.storage.redis.work import Work


async def bind_claimed(work: Work, keys: OutboxKeys, claim: Claim, binding: Binding) -> Claim | None:
    """Write the binding and make the claimed entry the account's. None, and nothing written, when the claim was lost or the
    subject is bound to another account already.

    Statements that other entries held about the subject or the account are merged in. They count as newer than the claim:
    the entry it returns keeps the claim's version, so that an acknowledgement leaves the entry open for them.
    """
    kept = await held_entry(work, keys, claim)
    bound = await binding_in(work, keys, binding.subject)
    if kept is None or (bound is not None and bound.account_id != binding.account_id):
        return None
    others = await _entries_to_absorb(work, keys, kept, binding)
    for other in others:
        delete_entry(work, keys, other)
    after = entry_steps.owned(_absorbing(kept, others), binding.account_id)
    _forget_indexes(work, keys, kept)
    _write_binding(work, keys, binding)
    _write_active(work, keys, claim, binding.subject)
    work.do("SET", keys.owned(binding.account_id), after.entry.id)
    write_entry(work, keys, kept, after)
    return replace(claim, entry=replace(after.entry, version=claim.entry.version))


async def bindings_of(work: Work, keys: OutboxKeys, account: AccountId) -> tuple[Binding, ...]:
    """All of an account, by issuer and subject; guarded, so that they are those of one moment."""
    subjects = sorted(map(subject_of, await work.members(keys.bound(account))))
    found = [await binding_in(work, keys, subject) for subject in subjects]
    return tuple(one for one in found if one is not None and one.account_id == account)


async def rewrite_binding(work: Work, keys: OutboxKeys, binding: Binding) -> None:
    """Login, granted role and block of a binding that exists."""
    bound = await binding_in(work, keys, binding.subject)
    if bound is not None and bound.account_id == binding.account_id:
        _write_binding(work, keys, binding)


async def delete_binding(work: Work, keys: OutboxKeys, subject: Subject) -> None:
    """Forget the binding. The account's last subject takes the entry along; one of several leaves without its statements."""
    bound = await binding_in(work, keys, subject)
    if bound is None:
        return
    account = bound.account_id
    others = await work.members(keys.bound(account)) - {subject_text(subject)}
    kept = await entry_in(work, keys, keys.owned(account))
    if not others:
        await replace_memberships(work, keys, account, ())
    _erase_binding(work, keys, bound)
    if kept is None:
        return
    if others:
        write_entry(work, keys, kept, entry_steps.without(kept, subject))
    else:
        work.do("DEL", keys.owned(account))
        work.do("SET", keys.asking(subject), kept.entry.id)
        write_entry(work, keys, kept, entry_steps.asking_again(kept, subject))


async def replace_memberships(
    work: Work, keys: OutboxKeys, account: AccountId, groups: Iterable[AppGroupName]
) -> None:
    """The account is in these linked groups and no others."""
    was, wanted = await work.members(keys.member_of(account)), frozenset(groups)
    for left in sorted(was - wanted):
        work.do("SREM", keys.group(AppGroupName(left)), account)
        work.do("SREM", keys.member_of(account), left)
    for joined in sorted(wanted - was):
        work.do("SADD", keys.group(joined), account)
        work.do("SADD", keys.member_of(account), joined)


async def _entries_to_absorb(work: Work, keys: OutboxKeys, kept: Kept, binding: Binding) -> tuple[Kept, ...]:
    """Other entries of the account, or of the subject while it asked for one."""
    found = {
        one.entry.id: one
        for index in (keys.owned(binding.account_id), keys.asking(binding.subject))
        if (one := await entry_in(work, keys, index)) is not None and one.entry.id != kept.entry.id
    }
    return tuple(found[entry_id] for entry_id in sorted(found))


def _absorbing(kept: Kept, others: Iterable[Kept]) -> Kept:
    for other in others:
        kept = entry_steps.absorbed(kept, other.entry)
    return kept


def _forget_indexes(work: Work, keys: OutboxKeys, kept: Kept) -> None:
    """Where the entry was found until now."""
    if kept.asking is not None:
        work.do("DEL", keys.asking(kept.asking))
    if kept.entry.account_id is not None:
        work.do("DEL", keys.owned(kept.entry.account_id))


def _write_binding(work: Work, keys: OutboxKeys, binding: Binding) -> None:
    name = subject_text(binding.subject)
    if binding.is_blocked:
        work.do("HDEL", keys.unblocked, name)
    work.do("SET", keys.binding(binding.subject), binding_to_text(binding))
    work.do("ZADD", keys.bindings, 0, ordered(binding.subject))
    work.do("SADD", keys.bound(binding.account_id), name)
    if not binding.is_blocked:
        work.do("HSET", keys.unblocked, name, binding.account_id)


def _write_active(work: Work, keys: OutboxKeys, claim: Claim, subject: Subject) -> None:
    """A new binding is as old as the statement that made it; one that was there is never made older."""
    at = max((one.at for one in claim.entry.statements), default=0.0)
    work.do("ZADD", keys.active, "GT", at, subject_text(subject))


def _erase_binding(work: Work, keys: OutboxKeys, binding: Binding) -> None:
    name = subject_text(binding.subject)
    work.do("DEL", keys.binding(binding.subject))
    work.do("ZREM", keys.bindings, ordered(binding.subject))
    work.do("SREM", keys.bound(binding.account_id), name)
    work.do("HDEL", keys.unblocked, name)
    work.do("ZREM", keys.active, name)
