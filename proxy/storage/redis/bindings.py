"""`Bindings` on Redis."""

from collections.abc import Sequence
from typing import Final

from proxy.groups.rules import AppGroupName
from proxy.identity import Subject
from proxy.provisioning.model import AccountId, Binding
from proxy.provisioning.outbox import IdleBinding
from proxy.storage.redis.binding_writes import (
    bindings_of,
    delete_binding,
    replace_memberships,
    rewrite_binding,
)
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.entry_text import binding_from_text
from proxy.storage.redis.keys import subject_text
from proxy.storage.redis.outbox_keys import OutboxKeys, ordered, subject_in_order

PAGE: Final = 500


class RedisBindings:
    """Who is bound to which account, and which linked groups that account is in."""

    def __init__(self, engine: RedisEngine) -> None:
        self._engine = engine
        self._keys = OutboxKeys(prefix=engine.keys.prefix)

    async def binding_of(self, subject: Subject) -> Binding | None:
        found = await self._read([subject])
        return found[0] if found else None

    async def bindings_of_account(self, account: AccountId) -> tuple[Binding, ...]:
        return await self._engine.write(lambda work: bindings_of(work, self._keys, account))

    async def update_binding(self, binding: Binding) -> None:
        await self._engine.write(lambda work: rewrite_binding(work, self._keys, binding))

    async def unbind(self, subject: Subject) -> None:
        await self._engine.write(lambda work: delete_binding(work, self._keys, subject))

    async def all_bindings(self) -> tuple[Binding, ...]:
        found: list[Binding] = []
        last: Subject | None = None
        while page := await self._page(last):
            found += await self._read(page)
            last = page[-1]
        return tuple(found)

    async def idle(self, *, before: float, after: Subject | None, limit: int) -> tuple[IdleBinding, ...]:
        found: list[IdleBinding] = []
        while len(found) < limit and (page := await self._page(after)):
            found += await self._idle_among(page, before)
            after = page[-1]
        return tuple(found[:limit])

    async def count_members(self) -> int:
        (count,) = await self._engine.ask(("HLEN", self._keys.unblocked))
        return int(count)

    async def set_memberships(self, account: AccountId, groups: frozenset[AppGroupName]) -> None:
        await self._engine.write(lambda work: replace_memberships(work, self._keys, account, groups))

    async def memberships(self, account: AccountId) -> frozenset[AppGroupName]:
        (found,) = await self._engine.ask(("SMEMBERS", self._keys.member_of(account)))
        return frozenset(AppGroupName(one.decode()) for one in found)

    async def count_in_group(self, group: AppGroupName) -> int:
        (count,) = await self._engine.ask(("SCARD", self._keys.group(group)))
        return int(count)

    async def _page(self, after: Subject | None) -> list[Subject]:
        """The next subjects by issuer and subject; empty behind the last."""
        begin = b"-" if after is None else b"(" + ordered(after)
        (found,) = await self._engine.ask(
            ("ZRANGE", self._keys.bindings, begin, b"+", "BYLEX", "LIMIT", 0, PAGE)
        )
        return [subject_in_order(one) for one in found]

    async def _read(self, subjects: Sequence[Subject]) -> list[Binding]:
        """Bindings that are still there, in the order of their subjects."""
        if not subjects:
            return []
        (texts,) = await self._engine.ask(("MGET", *map(self._keys.binding, subjects)))
        return [
            binding_from_text(subject, text)
            for subject, text in zip(subjects, texts, strict=True)
            if text is not None
        ]

    async def _idle_among(self, subjects: Sequence[Subject], before: float) -> list[IdleBinding]:
        """Those that are not blocked, and of people neither active nor seen in a session since `before`."""
        (scores,) = await self._engine.ask(("ZMSCORE", self._keys.active, *map(subject_text, subjects)))
        active = {
            subject: float(score or 0.0)
            for subject, score in zip(subjects, scores, strict=True)
            if float(score or 0.0) < before
        }
        open_to = [one for one in await self._read([*active]) if not one.is_blocked]
        seen = await self._last_seen([one.subject for one in open_to])
        return [
            IdleBinding(binding=one, last_active_at=active[one.subject])
            for one, at in zip(open_to, seen, strict=True)
            if at < before
        ]

    async def _last_seen(self, subjects: Sequence[Subject]) -> list[float]:
        """When each was last seen in one of their sessions; 0 for who has none."""
        sessions = await self._engine.ask(*(("SMEMBERS", self._keys.person(one)) for one in subjects))
        some = [list(keys) for keys in sessions]
        replies = await self._engine.ask(*(("ZMSCORE", self._keys.seen, *keys) for keys in some if keys))
        newest = iter(max((float(score or 0.0) for score in scores), default=0.0) for scores in replies)
        return [next(newest) if keys else 0.0 for keys in some]
