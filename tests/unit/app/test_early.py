"""Early renewals: sessions in use and running streams, once each, and never on the request's path."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.app.early import RENEWALS_AT_ONCE, EarlyRenewals
from proxy.errors import Unavailable
from proxy.gate.cache import Cached, SessionCache
from proxy.gate.decision import Admit
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.keeper import Keeper, KeeperRules
from proxy.session.model import (
    Misconfigured,
    Refreshed,
    RefreshOutcome,
    Session,
    SessionKey,
    Tokens,
    Trouble,
)
from tests.fakes.keeping import FakeArrival, FakeWitness
from tests.fakes.people import HOUR, SIGNED_IN_AT, identity, key, session
from tests.fakes.session_store import DictSessions

RULES = policy.RefreshRules(every=3600, at_least=300, grace=3600, cool_off=30)
DUE = SIGNED_IN_AT + HOUR
EARLY = DUE - 1
EAGER = 0xFFFFFFFF << 224
"""The number of a session whose key puts its early renewal at the very beginning of the last tenth."""


class Idp:
    """Vouches again, or answers what is prepared; `gate` holds the answer back."""

    def __init__(self) -> None:
        self.asked: list[SessionKey] = []
        self.outcome: RefreshOutcome | Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, session: Session, now: float) -> RefreshOutcome:
        self.asked.append(session.key)
        await self.gate.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome or Refreshed(identity=identity(), tokens=Tokens(refresh_token="next"))


class Scene:
    """Early renewals over a real keeper and a store in a dict."""

    def __init__(self) -> None:
        self.now = EARLY
        self.store = DictSessions()
        self.cache = SessionCache()
        self.idp = Idp()
        self.flying: set[SessionKey] = set()
        self.ended: list[SessionKey] = []
        self.bugs: list[BaseException] = []
        self.keeper = Keeper(
            self.store,
            self.idp,
            FakeArrival(self.store),
            FakeWitness(),
            KeeperRules(refresh=RULES, archive_after={}),
            holder="here",
            clock=lambda: self.now,
        )
        self.early = EarlyRenewals(
            self.store,
            self.cache,
            self.keeper,
            RULES,
            in_flight=lambda: frozenset(self.flying),
            end_session=self.ended.append,
            report=self.bugs.append,
            clock=lambda: self.now,
        )

    def add(self, number: int = 1, *, is_cached: bool = True, **changes: Any) -> SessionKey:
        """A session in the store, seen just now."""
        one = session(number=number, last_seen_at=self.now, **changes)
        self.store.sessions[one.key] = one
        if is_cached:
            self.hold(one)
        return one.key

    def hold(self, one: Session, *, seen_at: float | None = None) -> None:
        entry = Cached(
            cookie=one.key.encode(),
            session=one,
            admit=Admit(session=one.key, block=b""),
            until=policy.serve_until(one, RULES),
            early_at=policy.early_at(one, RULES),
            seen_at=self.now if seen_at is None else seen_at,
        )
        self.cache.put(entry, epoch=self.cache.epoch)

    async def look(self, times: int = 1) -> None:
        for _ in range(times):
            await self.early.look()

    async def looked(self) -> None:
        """A look, and what it started is over."""
        await self.look()
        await self.early.stop()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0)


async def test_a_session_in_use_is_renewed_before_it_is_due_and_read_again_afterwards() -> None:
    scene = Scene()
    scene.add(EAGER)
    await scene.looked()
    assert scene.idp.asked == [key(EAGER)]
    assert scene.store.sessions[key(EAGER)].due_at == EARLY + HOUR
    assert scene.cache.of_key(key(EAGER)) is None
    assert scene.ended == []


async def test_nobody_is_asked_about_before_the_last_tenth() -> None:
    scene = Scene()
    scene.now = DUE - 0.1 * HOUR - 1
    scene.add(EAGER)
    await scene.looked()
    assert scene.idp.asked == []
    assert scene.cache.of_key(key(EAGER)) is not None


async def test_a_session_that_nobody_uses_waits_for_its_next_request() -> None:
    scene = Scene()
    scene.add(is_cached=False)
    scene.hold(scene.store.sessions[key(1)], seen_at=EARLY - 301)
    scene.now = DUE
    await scene.looked()
    assert scene.idp.asked == []


async def test_one_look_after_another_asks_once() -> None:
    scene = Scene()
    scene.idp.gate.clear()
    scene.now = DUE
    scene.add()
    await scene.look()
    await until(lambda: bool(scene.idp.asked))
    await scene.look(times=5)
    scene.idp.gate.set()
    await scene.early.stop()
    assert scene.idp.asked == [key(1)]


async def test_those_that_wait_for_a_slot_are_not_started_again() -> None:
    scene = Scene()
    scene.now = DUE
    scene.idp.gate.clear()
    for number in range(1, 3 * RENEWALS_AT_ONCE):
        scene.add(number)
    before = len(asyncio.all_tasks())
    await scene.look()
    await until(lambda: len(scene.idp.asked) == RENEWALS_AT_ONCE)
    begun = len([task for task in asyncio.all_tasks() if task.get_name().startswith("early ")])
    await scene.look(times=5)
    assert len(scene.idp.asked) == RENEWALS_AT_ONCE, "no more at once than there are slots"
    assert begun == 3 * RENEWALS_AT_ONCE - 1
    assert len([task for task in asyncio.all_tasks() if task.get_name().startswith("early ")]) == begun
    scene.idp.gate.set()
    await scene.early.stop()
    assert sorted(scene.idp.asked) == sorted(key(number) for number in range(1, 3 * RENEWALS_AT_ONCE))
    assert len(asyncio.all_tasks()) == before


async def test_a_renewal_that_a_request_began_is_left_alone() -> None:
    scene = Scene()
    scene.now = DUE
    scene.add()
    scene.idp.gate.clear()
    request = asyncio.create_task(scene.keeper.renew(key(1)))
    await until(lambda: bool(scene.idp.asked))
    await scene.look()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("early ")]
    scene.idp.gate.set()
    await request
    assert scene.idp.asked == [key(1)]


async def test_without_a_refresh_token_nothing_is_tried_in_the_background() -> None:
    scene = Scene()
    scene.now = DUE
    scene.add(tokens=Tokens())
    await scene.looked()
    assert scene.idp.asked == []
    assert scene.store.loads == 0
    assert scene.cache.of_key(key(1)) is not None, "its next request finds it where it was"


async def test_a_store_that_is_away_leaves_everything_for_the_next_look() -> None:
    scene = Scene()
    scene.now = DUE
    scene.add()
    scene.store.down = True
    await scene.looked()
    assert scene.cache.of_key(key(1)) is not None
    scene.store.down = False
    await scene.looked()
    assert scene.idp.asked == [key(1)]
    assert scene.bugs == []


async def test_a_bug_goes_to_the_log_and_stops_nobody() -> None:
    scene = Scene()
    scene.now = DUE
    scene.add()
    scene.idp.outcome = ValueError("a mistake of ours")
    await scene.looked()
    assert [str(bug) for bug in scene.bugs] == ["a mistake of ours"]
    scene.idp.outcome = None
    await scene.looked()
    assert len(scene.idp.asked) == 2


async def test_trouble_cools_off() -> None:
    scene = Scene()
    scene.now = DUE
    scene.add()
    scene.idp.outcome = Trouble(detail="503")
    await scene.looked()
    after = scene.store.sessions[key(1)]
    assert after.trouble is Reason.IDP_TROUBLE
    scene.hold(after)
    scene.now += 29
    await scene.looked()
    assert len(scene.idp.asked) == 1
    scene.now += 1
    await scene.looked()
    assert len(scene.idp.asked) == 2


# --- running streams ---


@pytest.mark.parametrize("is_cached", [True, False])
async def test_a_running_stream_is_asked_about_every_hour(is_cached: bool) -> None:
    """Its request was admitted long ago, and no other comes: the first renewal must not be the last."""
    scene = Scene()
    scene.now = DUE
    scene.flying = {scene.add(is_cached=is_cached)}
    for hour in range(3):
        scene.now = DUE + hour * HOUR
        await scene.looked()
        await scene.look()
    assert scene.idp.asked == [key(1)] * 3
    assert scene.ended == []


async def test_a_renewed_stream_is_read_once_and_then_left_alone_until_it_is_early_again() -> None:
    scene = Scene()
    scene.now = DUE
    scene.flying = {scene.add()}
    await scene.looked()
    renewed = scene.store.loads
    for _ in range(5):
        await scene.looked()
    assert scene.store.loads == renewed + 1


async def test_a_stream_between_two_renewals_costs_no_look_at_the_store() -> None:
    scene = Scene()
    scene.now = SIGNED_IN_AT
    scene.flying = {scene.add(is_cached=False)}
    await scene.look(times=10)
    assert scene.store.loads == 1
    scene.flying.clear()
    await scene.look()
    scene.flying.add(key(1))
    await scene.look()
    assert scene.store.loads == 2, "a stream that ended was forgotten"


async def test_a_cached_session_in_flight_costs_none_at_all() -> None:
    scene = Scene()
    scene.now = SIGNED_IN_AT
    scene.flying = {scene.add()}
    scene.now += 100
    await scene.look(times=10)
    assert scene.store.loads == 0
    entry = scene.cache.of_key(key(1))
    assert entry is not None
    assert entry.seen_at == scene.now


async def test_the_stream_of_a_session_that_is_gone_is_cut() -> None:
    scene = Scene()
    scene.flying = {key(1)}
    await scene.looked()
    assert scene.ended == [key(1)]


async def test_a_stream_rides_out_an_outage_for_the_grace_and_no_longer() -> None:
    scene = Scene()
    scene.now = DUE
    scene.flying = {scene.add()}
    scene.idp.outcome = Misconfigured(code="invalid_client")
    while scene.now < DUE + RULES.grace - RULES.cool_off:
        await scene.looked()
        scene.now += RULES.cool_off
    assert scene.ended == []
    assert len(scene.idp.asked) > 100
    for _ in range(3):
        await scene.looked()
        scene.now += RULES.cool_off
    assert set(scene.ended) == {key(1)}
    assert key(1) in scene.store.sessions, "an outage signs nobody out"


async def test_a_stream_that_only_its_browser_can_renew_ends_when_it_is_due() -> None:
    scene = Scene()
    scene.now = DUE - 1
    scene.flying = {scene.add(tokens=Tokens())}
    await scene.looked()
    assert scene.ended == []
    scene.now = DUE
    await scene.looked()
    assert scene.ended == [key(1)]
    assert scene.idp.asked == []


async def test_a_store_that_is_away_is_the_rounds_concern_and_cuts_nothing() -> None:
    scene = Scene()
    scene.flying = {scene.add(is_cached=False)}
    scene.store.down = True
    with pytest.raises(Unavailable):
        await scene.look()
    assert scene.ended == []


async def test_an_account_change_on_the_way_is_no_reason_to_cut() -> None:
    scene = Scene()
    scene.now = DUE
    scene.flying = {scene.add(EAGER)}
    one = scene.store.sessions[key(EAGER)]
    scene.store.sessions[one.key] = replace(one, version=7)
    await scene.looked()
    assert scene.ended == []
