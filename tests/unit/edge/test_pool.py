"""Which connection the next exchange gets, and what is known of an upstream that is down."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from proxy.edge.dialing import PAUSES
from proxy.edge.health import Unreachable
from proxy.edge.known import AnswerHead
from proxy.edge.pool import FRESH_SECONDS, Pool
from proxy.edge.rules import UpstreamRules
from proxy.edge.upstream import UpstreamConnection
from proxy.reasons import Reason
from tests.fakes.still import FakeTransport, StillPool

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Quiet:
    """An exchange that hears nothing."""

    def answer_arrived(self, upstream: UpstreamConnection) -> None: ...
    def known_arrived(self, upstream: UpstreamConnection, head: AnswerHead, body: bytes) -> None: ...
    def upstream_lost(self, upstream: UpstreamConnection, *, is_clean: bool) -> None: ...
    def upstream_writable(self, *, is_writable: bool) -> None: ...


def _open() -> tuple[UpstreamConnection, FakeTransport]:
    upstream, transport = UpstreamConnection(200), FakeTransport()
    upstream.connection_made(cast(asyncio.BaseTransport, transport))
    upstream.begin(Quiet(), b"GET / HTTP/1.1\r\n\r\n", is_head=False)
    return upstream, transport


def test_a_byte_on_an_idle_connection_closes_it() -> None:
    upstream, transport = _open()
    upstream.data_received(OK)
    pool = StillPool()
    pool.give(upstream, 0.0)
    upstream.data_received(b"HTTP/1.1 408 x\r\n\r\n")
    assert transport.is_aborted
    assert pool.take(0.0, is_repeatable=True) is not upstream


def _idle(pool: Pool, since: float) -> UpstreamConnection:
    upstream, _ = _open()
    upstream.data_received(OK)
    pool.give(upstream, since)
    return upstream


def _pool(connections: int = 256) -> Pool:
    rules = UpstreamRules(host="a", port=1, connections=connections)
    return Pool(rules, cast(asyncio.AbstractEventLoop, None), lambda: None)


def test_the_latest_connection_is_taken_first() -> None:
    pool = _pool()
    first, second = _idle(pool, 1.0), _idle(pool, 2.0)
    assert pool.take(2.0, is_repeatable=True) is second
    assert pool.take(2.0, is_repeatable=True) is first
    assert pool.take(2.0, is_repeatable=True) is None


def test_what_cannot_be_repeated_takes_only_a_fresh_connection() -> None:
    pool = _pool()
    upstream = _idle(pool, 1.0)
    assert pool.take(1.1 + FRESH_SECONDS, is_repeatable=False) is None
    assert pool.take(1.0 + FRESH_SECONDS, is_repeatable=False) is upstream


def test_only_so_many_are_kept_and_only_so_long() -> None:
    pool = _pool(connections=1)
    kept, surplus = _idle(pool, 0.0), _idle(pool, 0.0)
    assert not surplus.is_idle_and_open()
    pool.tick(40.0)
    assert kept.is_idle_and_open()
    pool.tick(60.0)
    assert not kept.is_idle_and_open()


def test_closing_the_pool_closes_what_is_idle() -> None:
    pool = _pool()
    upstream = _idle(pool, 0.0)
    pool.close()
    assert not upstream.is_idle_and_open()


class Door:
    """A loop whose connects go as the list says: an error to raise, or None for a connection; then the last again and again."""

    def __init__(self, goes: Sequence[OSError | None]) -> None:
        self.goes = list(goes)
        self.tried = 0
        self.now = 100.0

    def time(self) -> float:
        return self.now

    async def create_connection(self, made: Any, host: str, port: int) -> tuple[None, UpstreamConnection]:
        self.tried += 1
        went = self.goes.pop(0) if len(self.goes) > 1 else self.goes[0]
        await asyncio.sleep(0)
        if went is not None:
            raise went
        upstream: UpstreamConnection = made()
        upstream.connection_made(cast(asyncio.BaseTransport, FakeTransport()))
        return None, upstream


REFUSED = ConnectionRefusedError(111, "refused")


class Said(list[tuple[Reason | None, str]]):
    """What the log was told."""

    def __call__(self, upstream: str, reason: Reason | None, detail: str) -> None:
        assert upstream == "http://a:1"
        self.append((reason, detail))


def _behind(door: Door, told: Said) -> Pool:
    rules = UpstreamRules(host="a", port=1, down_for=2.0)
    return Pool(rules, cast(asyncio.AbstractEventLoop, door), lambda: None, told)


async def test_a_refused_connect_is_tried_again_for_a_request_that_may_be_sent_twice() -> None:
    door, told = Door([REFUSED, REFUSED, None]), Said()
    assert isinstance(await _behind(door, told).connect(is_repeatable=True), UpstreamConnection)
    assert (door.tried, told) == (3, [])


async def test_it_is_tried_once_for_any_other_and_decides_nothing() -> None:
    door, told = Door([REFUSED, None]), Said()
    pool = _behind(door, told)
    refused = await pool.connect(is_repeatable=False)
    assert isinstance(refused, Unreachable)
    assert (refused.fault.status, door.tried) == (503, 1)
    assert isinstance(await pool.connect(is_repeatable=False), UpstreamConnection)
    assert [reason for reason, _ in told] == [Reason.UPSTREAM_UNAVAILABLE, None]


async def test_an_upstream_that_is_down_is_asked_by_one_at_a_time_and_not_before_its_time() -> None:
    door, told = Door([REFUSED]), Said()
    pool = _behind(door, told)
    await pool.connect(is_repeatable=True)
    tried = door.tried
    assert tried == 1 + len(PAUSES)
    at_once = await pool.connect(is_repeatable=True)
    assert isinstance(at_once, Unreachable)
    assert (at_once.fault.status, at_once.retry_after, door.tried) == (503, 2, tried)
    door.now += 2.0
    door.goes = [None]
    first, second = await asyncio.gather(pool.connect(is_repeatable=True), pool.connect(is_repeatable=True))
    assert isinstance(first, UpstreamConnection)
    assert isinstance(second, Unreachable)
    assert isinstance(await pool.connect(is_repeatable=False), UpstreamConnection)
    assert [reason for reason, _ in told] == [Reason.UPSTREAM_UNAVAILABLE, None]


async def test_whoever_tries_and_goes_away_leaves_the_try_to_the_next() -> None:
    door, told = Door([TimeoutError(), None]), Said()
    pool = _behind(door, told)
    await pool.connect(is_repeatable=False)
    door.now += 2.0
    trying = asyncio.ensure_future(pool.connect(is_repeatable=True))
    await asyncio.sleep(0)
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert isinstance(await pool.connect(is_repeatable=True), UpstreamConnection)


def test_a_connection_of_an_earlier_tls_context_serves_no_other_exchange() -> None:
    pool = _pool()
    upstream, transport = _open()
    upstream.opened_with = object()
    upstream.data_received(OK)
    pool.give(upstream, 0.0)
    assert transport.is_aborted


def test_a_failure_is_counted_each_time_and_said_once_in_a_while() -> None:
    told: list[tuple[Reason | None, str]] = []
    loop = cast(asyncio.AbstractEventLoop, None)
    pool = Pool(
        UpstreamRules(host="a", port=1), loop, lambda: None, lambda _, why, detail: told.append((why, detail))
    )
    for now in (0.0, 1.0, 29.9, 30.0):
        pool.note_failure(Reason.BAD_UPSTREAM_ANSWER, "bad", now)
    pool.note_failure(Reason.UPSTREAM_TIMEOUT, "slow", 30.0)
    pool.note_failure(Reason.UPSTREAM_UNAVAILABLE, "", 30.0)
    assert told == [
        (Reason.BAD_UPSTREAM_ANSWER, "bad"),
        (Reason.BAD_UPSTREAM_ANSWER, "bad"),
        (Reason.UPSTREAM_TIMEOUT, "slow"),
    ]
    assert pool.failures == {
        Reason.BAD_UPSTREAM_ANSWER: 4, Reason.UPSTREAM_TIMEOUT: 1, Reason.UPSTREAM_UNAVAILABLE: 1,
    }  # fmt: skip
