"""What is done beside the requests: nothing stops it, and what was missed is looked at."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from proxy.app.rounds import UNUSED_SECONDS, ChangeChannel, Round, Rounds, Upkeep
from proxy.errors import Unavailable
from proxy.gate.cache import Cached, SessionCache
from proxy.gate.decision import Admit
from proxy.provisioning.model import EntryState
from proxy.reasons import Reason
from proxy.session.model import Session, SessionKey
from proxy.session.policy import RefreshRules
from proxy.session.store import Change
from proxy.telemetry.telemetry import Streams, Telemetry, TelemetryRules
from tests.fakes import provisioning
from tests.fakes.outbox import MemoryStore
from tests.fakes.people import CORP, SIGNED_IN_AT, key, session
from tests.fakes.session_store import DictSessions

DROP_EVERYTHING = Change(key=SessionKey(""), has_ended=False)


class Told:
    """A telemetry whose log can be read."""

    def __init__(self) -> None:
        self._log = io.StringIO()
        self.telemetry = Telemetry(TelemetryRules(), streams=Streams(log=self._log, out=io.StringIO()))

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def figure(self, name: str, **labels: str) -> float | None:
        return self.telemetry.metrics.registry.get_sample_value(name, labels)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0)


class Work:
    """Raises what is prepared, turn by turn, then goes on."""

    def __init__(self, *faults: Exception | None) -> None:
        self.faults = list(faults)
        self.turns = 0

    async def __call__(self) -> None:
        self.turns += 1
        if self.faults and (fault := self.faults.pop(0)):
            raise fault


async def turned(told: Told, work: Work, times: int) -> None:
    rounds = Rounds(told.telemetry)
    rounds.start([Round(name="work", seconds=0, work=work)])
    await until(lambda: work.turns >= times)
    await rounds.stop()


async def test_a_round_goes_on_after_the_store_was_away_and_says_so_once() -> None:
    told, away = Told(), Unavailable("the store is away")
    await turned(told, Work(away, away, away, None, None), 5)
    assert [(one["event"], one["name"], one["what"]) for one in told.records()] == [
        ("round", "work", "the store is away")
    ]


async def test_an_outage_is_said_again_when_the_store_was_back_between() -> None:
    told, away = Told(), Unavailable("the store is away")
    await turned(told, Work(away, None, away, None), 5)
    assert len(told.records()) == 2


async def test_a_round_goes_on_after_a_bug_which_goes_to_the_log() -> None:
    told = Told()
    await turned(told, Work(ValueError("a mistake of ours")), 3)
    (record,) = told.records()
    assert (record["event"], record["error"]) == ("internal_error", "ValueError")
    assert "a mistake of ours" in record["trace"]


async def test_one_rounds_bug_stops_no_other() -> None:
    told, bad, good = Told(), Work(*[ValueError("ours")] * 3), Work()
    rounds = Rounds(told.telemetry)
    rounds.start(
        [Round(name="bad", seconds=60, work=bad), Round(name="good", seconds=0, work=good)],
    )
    await until(lambda: good.turns > 3)
    await rounds.stop()
    assert bad.turns == 1


async def test_stopping_ends_a_round_in_the_middle_of_its_work() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    rounds = Rounds(Told().telemetry)
    rounds.start([Round(name="endless", seconds=0, work=endless)])
    await begun.wait()
    assert "endless" in {task.get_name() for task in asyncio.all_tasks()}
    await rounds.stop()
    assert ended.is_set()
    assert "endless" not in {task.get_name() for task in asyncio.all_tasks()}


def held(number: int = 1, *, seen_at: float = SIGNED_IN_AT, **changes: Any) -> Cached:
    """A cached session."""
    one = session(number=number, **changes)
    return Cached(
        cookie=b"cookie-%d" % number,
        session=one,
        admit=Admit(session=one.key, block=b""),
        until=one.due_at,
        early_at=one.due_at - 100,
        seen_at=seen_at,
    )


def filled(*numbers: int) -> SessionCache:
    cache = SessionCache()
    for number in numbers:
        cache.put(held(number), epoch=cache.epoch)
    return cache


class Scene:
    """A channel with its store, cache and running exchanges."""

    def __init__(self, *numbers: int, flying: tuple[int, ...] = ()) -> None:
        self.store = DictSessions()
        for number in numbers:
            self.store.sessions[key(number)] = session(number=number)
        self.cache = SessionCache()
        self.ended: list[SessionKey] = []
        self.now = 2000.0
        self.channel = ChangeChannel(
            self.store,
            self.cache,
            end_session=self.ended.append,
            in_flight=lambda: frozenset(map(key, flying)),
            clock=lambda: self.now,
        )

    async def heard(self, *numbers: int) -> None:
        """The first hearing is over, and these sessions are cached."""
        await self.channel.listen()
        for number in numbers:
            self.cache.put(held(number), epoch=self.cache.epoch)

    def holds(self, number: int) -> bool:
        return self.cache.of_key(key(number)) is not None


async def test_the_first_hearing_holds_nothing_and_is_a_proof() -> None:
    scene = Scene(1)
    scene.store.log.append(Change(key=key(9), has_ended=True))
    scene.cache.put(held(1), epoch=scene.cache.epoch)
    await scene.channel.listen()
    assert not scene.holds(1)
    assert scene.ended == [], "what happened before the start concerns nobody here"
    assert scene.cache.proved_at == 2000.0


async def test_a_change_drops_that_session_alone() -> None:
    scene = Scene(1, 2)
    await scene.heard(1, 2)
    scene.store.log.append(Change(key=key(1), has_ended=False))
    await scene.channel.listen()
    assert (scene.holds(1), scene.holds(2), scene.ended) == (False, True, [])


async def test_an_ended_session_is_dropped_and_its_streams_are_cut() -> None:
    scene = Scene(1)
    await scene.heard(1)
    await scene.store.end([key(1)], Reason.SIGNED_OUT, 2000.0)
    await scene.channel.listen()
    assert (scene.holds(1), scene.ended) == (False, [key(1)])


async def test_a_change_is_heard_once() -> None:
    scene = Scene(1)
    await scene.heard()
    await scene.store.end([key(1)], Reason.SIGNED_OUT, 2000.0)
    await scene.channel.listen()
    await scene.channel.listen()
    assert scene.ended == [key(1)]


async def test_the_proof_is_as_old_as_the_question() -> None:
    scene = Scene()
    await scene.heard()
    answer = scene.store.changes

    async def slow(after: int) -> tuple[int, tuple[Change, ...]]:
        scene.now += 7
        return await answer(after)

    scene.store.changes = slow  # type: ignore[method-assign]  # the engine takes its time
    await scene.channel.listen()
    assert scene.cache.proved_at == 2000.0


async def test_a_store_that_does_not_answer_proves_nothing() -> None:
    scene = Scene()
    await scene.heard()
    scene.now, scene.store.down = 2005.0, True
    assert isinstance(await fault_of(scene.channel.listen()), Unavailable)
    assert scene.cache.proved_at == 2000.0


async def test_the_cache_knows_while_the_store_is_away_and_when_it_is_back() -> None:
    scene = Scene(1)
    await scene.heard(1)
    scene.store.down = True
    assert isinstance(await fault_of(scene.channel.listen()), Unavailable)
    assert scene.cache.is_away
    scene.store.down = False
    await scene.channel.listen()
    assert not scene.cache.is_away
    assert scene.holds(1), "nothing was missed"


async def test_a_half_open_channel_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store took the question and never answers: no proof, and the cache knows."""
    monkeypatch.setattr("proxy.app.rounds.HEARING_SECONDS", 0.01)
    scene = Scene()
    await scene.heard()

    async def silent(after: int) -> tuple[int, tuple[Change, ...]]:
        await asyncio.Event().wait()
        raise AssertionError(after)

    scene.now, scene.store.changes = 2001.0, silent  # type: ignore[method-assign]  # half open
    assert isinstance(await fault_of(scene.channel.listen()), Unavailable)
    assert (scene.cache.is_away, scene.cache.proved_at) == (True, 2000.0)


async def fault_of(work: Awaitable[object]) -> Exception | None:
    try:
        await work
    except Exception as fault:
        return fault
    return None


async def test_when_something_was_missed_nothing_is_held_and_gone_sessions_lose_their_streams() -> None:
    scene = Scene(1, 2, 3, flying=(1, 2))
    await scene.heard(1, 2, 3)
    del scene.store.sessions[key(1)]
    scene.store.log.append(DROP_EVERYTHING)
    await scene.channel.listen()
    assert not any(map(scene.holds, (1, 2, 3)))
    assert scene.ended == [key(1)]
    assert scene.store.loads == 2, "only those in flight are looked at"


async def test_a_look_that_failed_is_taken_again() -> None:
    """The store fails between telling and looking: the stream of a session that is gone must not escape."""
    scene = Scene(flying=(1,))
    await scene.heard()
    scene.now = 2001.0
    scene.store.log.append(DROP_EVERYTHING)
    scene.store.fail_next.append("load")
    assert isinstance(await fault_of(scene.channel.listen()), Unavailable)
    assert (scene.ended, scene.cache.proved_at) == ([], 2000.0)
    await scene.channel.listen()
    assert (scene.ended, scene.cache.proved_at) == ([key(1)], 2001.0)


class House:
    """Upkeep with its stores."""

    def __init__(self, *numbers: int, flying: tuple[int, ...] = ()) -> None:
        self.sessions = DictSessions()
        self.cache = filled(*numbers)
        self.outbox = MemoryStore()
        self.told = Told()
        self.now = SIGNED_IN_AT + 60
        for number in numbers:
            self.add(session(number=number))
        self.upkeep = Upkeep(
            sessions=self.sessions,
            cache=self.cache,
            outbox=self.outbox,
            ledger=self.outbox,
            rules=RefreshRules(idle=7 * 86400, absolute=30 * 86400),
            telemetry=self.told.telemetry,
            in_flight=lambda: frozenset(map(key, flying)),
            clock=lambda: self.now,
        )

    def add(self, one: Session) -> None:
        self.sessions.sessions[one.key] = one

    def seen(self, number: int) -> float:
        return self.sessions.sessions[key(number)].last_seen_at


async def test_when_somebody_was_seen_is_written_and_only_then() -> None:
    house = House(1, 2)
    house.cache.entries[b"cookie-1"].seen_at = 1050.0
    await house.upkeep.flush_seen()
    assert (house.seen(1), house.seen(2)) == (1050.0, SIGNED_IN_AT)
    house.sessions.down = True
    await house.upkeep.flush_seen()


async def test_a_running_stream_is_use() -> None:
    house = House(1, flying=(1, 2))
    house.add(session(number=2))
    await house.upkeep.flush_seen()
    assert (house.seen(1), house.seen(2)) == (house.now, house.now), "cached or not"


async def test_sessions_unused_for_long_are_let_go() -> None:
    house = House(1, 2)
    house.now = SIGNED_IN_AT + UNUSED_SECONDS + 1
    house.cache.entries[b"cookie-2"].seen_at = house.now
    await house.upkeep.flush_seen()
    assert house.cache.of_key(key(1)) is None
    assert house.cache.of_key(key(2)) is not None


async def test_sessions_past_their_limits_end_with_the_limits_reason() -> None:
    house = House()
    house.now = SIGNED_IN_AT + 31 * 86400
    recent = house.now - 60
    house.add(session(number=1))
    house.add(session(number=2, last_seen_at=recent))
    house.add(session(number=3, created_at=recent, last_seen_at=recent))
    await house.upkeep.end_old()
    assert house.sessions.ended == [(key(1), Reason.IDLE_TOO_LONG), (key(2), Reason.TOO_OLD)]
    assert list(house.sessions.sessions) == [key(3)]
    for reason in ("idle_too_long", "too_old"):
        assert house.told.figure("muster_sessions_ended_total", reason=reason) == 1


async def test_nobody_old_means_nothing_to_write() -> None:
    house = House(1)
    house.sessions.fail_next.append("end")
    await house.upkeep.end_old()
    assert house.sessions.ended == []


async def test_the_gauges_say_what_the_outbox_and_the_guard_hold() -> None:
    house = House()
    house.now = provisioning.NOW
    entry = await house.outbox.note(provisioning.vouched(), house.now - 30)
    assert entry.state is EntryState.OPEN
    await house.outbox.latch(f"idp:{CORP}", house.now)
    await house.upkeep.measure()
    assert house.told.figure("muster_outbox_entries", state="open") == 1
    assert house.told.figure("muster_outbox_entries", state="parked") == 0
    assert (house.told.figure("muster_outbox_oldest_seconds") or 0) >= 30
    assert house.told.figure("muster_guard_latched", scope=f"idp:{CORP}") == 1
