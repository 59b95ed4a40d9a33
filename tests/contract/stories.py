"""Random stories of the outbox, told to two stores at once: what one answers, the other must answer too."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

from proxy.groups.rules import AppGroupName
from proxy.identity import NOT_STATED, Groups, Subject
from proxy.provisioning.model import AccountId, EntryState
from proxy.provisioning.outbox import Claim
from proxy.reasons import Reason
from tests.contract.engines import Store
from tests.contract.records import CORP, NOW, PARTNER, binding, removed, subject, vouched

PEOPLE = [(name, idp) for name in ("ada", "bob", "eve") for idp in (CORP, PARTNER)]
ACCOUNTS = ["7", "8", "9"]
GROUPS: list[Groups | set[str]] = [NOT_STATED, {"a"}, {"b"}, {"a", "b"}, set()]
DETAIL = "as it were"

Both = tuple[Any, Any]


class Story:
    """Two stores, the claims that were taken on both, and a clock that only goes on."""

    def __init__(self, first: Store, second: Store, seed: int) -> None:
        self._stores = (first, second)
        self._chance = random.Random(seed)
        self._claims: list[tuple[Claim, Claim]] = []
        self._now = NOW
        self.told: list[str] = []

    async def go_on(self) -> None:
        """One more thing happens; afterwards both stores show the same."""
        self._now += self._chance.choice([0.0, 0.25, 1.0, 9.5, 21.0])
        step = self._chance.choice(self._steps())
        self.told.append(f"{self._now - NOW:g} {step.__name__}")
        await step()
        await self._compare()

    def _steps(self) -> list[Callable[[], Awaitable[None]]]:
        """What is weighed by how often it happens."""
        looks = [self._reopen, self._reopen_named, self._dismiss, self._update, self._unbind, self._join]
        under = [self._ack, self._bind, self._retry, self._set_aside, self._drop, self._creating, self._renew]
        return [*[self._note] * 4, *[self._claim] * 4, *looks, *(under * 2 if self._claims else [])]

    async def _both(self, call: Callable[[Store], Awaitable[Any]]) -> Both:
        first, second = [await call(store) for store in self._stores]
        assert first == second, self.told
        return first, second

    async def _compare(self) -> None:
        for look in (
            lambda store: store.outbox.entries(None, 100),
            lambda store: store.outbox.entries_after(0, 100),
            lambda store: store.outbox.figures(self._now),
            lambda store: store.outbox.not_stated_before(self._now - 5),
            lambda store: store.bindings.all_bindings(),
            lambda store: store.bindings.idle(before=self._now - 5, after=None, limit=100),
            lambda store: store.bindings.count_members(),
            lambda store: store.bindings.count_in_group(AppGroupName("A")),
            lambda store: store.bindings.memberships(AccountId("7")),
        ):
            await self._both(look)

    def _person(self) -> Subject:
        return subject(*self._chance.choice(PEOPLE))

    async def _note(self) -> None:
        name, idp = self._chance.choice(PEOPLE)
        at = self._now - self._chance.choice([0, 0, 0, 15])
        said = vouched(name, self._chance.choice(GROUPS), at=at, idp=idp)
        said = self._chance.choice([said, said, removed(name, at=at, idp=idp)])
        await self._both(lambda store: store.outbox.note(said, self._now))

    async def _claim(self) -> None:
        named = self._chance.choice([None, None, self._chance.randrange(1, 10)])
        taken = await self._both(
            lambda store: store.outbox.claim(holder="h", now=self._now, seconds=20, entry_id=named)
        )
        if taken[0] is not None:
            self._claims.append(taken)

    async def _under(self, call: Callable[[Store, Claim], Awaitable[Any]]) -> Any:
        """With a claim that may have been lost long ago."""
        place = self._chance.randrange(len(self._claims))
        claims = dict(zip(self._stores, self._claims[place], strict=True))
        results = await self._both(lambda store: call(store, claims[store]))
        if isinstance(results[0], Claim):
            self._claims[place] = results
        return results

    async def _ack(self) -> None:
        await self._under(lambda store, claim: store.outbox.ack(claim, now=self._now))

    async def _bind(self) -> None:
        name, idp = self._chance.choice(PEOPLE)
        one = binding(name, self._chance.choice(ACCOUNTS), idp, is_blocked=self._chance.random() < 0.2)
        await self._under(lambda store, claim: store.outbox.bind(claim, one))

    async def _retry(self) -> None:
        at = self._now + self._chance.choice([1, 30])
        await self._under(
            lambda store, claim: store.outbox.retry(claim, at=at, reason=Reason.APP_TROUBLE, detail=DETAIL)
        )

    async def _set_aside(self) -> None:
        state = self._chance.choice([EntryState.PARKED, EntryState.HELD])
        await self._under(
            lambda store, claim: store.outbox.set_aside(
                claim, state, reason=Reason.GUARD_TRIPPED, detail=DETAIL
            )
        )

    async def _drop(self) -> None:
        await self._under(lambda store, claim: store.outbox.drop(claim))

    async def _creating(self) -> None:
        await self._under(lambda store, claim: store.outbox.set_creating(claim, "ada.l"))

    async def _renew(self) -> None:
        await self._under(lambda store, claim: store.outbox.renew_claim(claim, now=self._now, seconds=20))

    async def _reopen(self) -> None:
        state = self._chance.choice([*EntryState])
        named = self._chance.choice([None, self._chance.randrange(1, 10)])
        await self._both(lambda store: store.outbox.reopen(named, state, self._now))

    async def _reopen_named(self) -> None:
        named = self._chance.sample(range(1, 12), 3)
        await self._both(lambda store: store.outbox.reopen_named(named, self._now))

    async def _dismiss(self) -> None:
        entries, _ = await self._both(lambda store: store.outbox.entries(None, 100))
        if entries:
            entry = self._chance.choice(entries)
            await self._both(lambda store: store.outbox.dismiss(entry, self._now))

    async def _update(self) -> None:
        name, idp = self._chance.choice(PEOPLE)
        one = binding(name, self._chance.choice(ACCOUNTS), idp, is_blocked=self._chance.random() < 0.5)
        await self._both(lambda store: store.bindings.update_binding(one))

    async def _unbind(self) -> None:
        person = self._person()
        await self._both(lambda store: store.bindings.unbind(person))

    async def _join(self) -> None:
        account = binding(account=self._chance.choice(ACCOUNTS)).account_id
        groups = frozenset(map(AppGroupName, self._chance.sample(["A", "B", "C"], self._chance.randrange(3))))
        await self._both(lambda store: store.bindings.set_memberships(account, groups))
