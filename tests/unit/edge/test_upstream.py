"""Connections to the app: what one exchange leaves behind, and which connection the next one gets."""

import asyncio
from typing import cast

import pytest

from proxy.edge.known import AnswerHead
from proxy.edge.upstream import UpstreamConnection
from tests.fakes.still import FakeTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Listening:
    """An exchange that only counts."""

    def __init__(self) -> None:
        self.arrived = self.lost = 0
        self.writable: list[bool] = []

    def answer_arrived(self, upstream: UpstreamConnection) -> None:
        self.arrived += 1

    def known_arrived(self, upstream: UpstreamConnection, head: AnswerHead, body: bytes) -> None:
        self.arrived += 1

    def upstream_lost(self, upstream: UpstreamConnection, *, is_clean: bool) -> None:
        self.lost += 1

    def upstream_writable(self, *, is_writable: bool) -> None:
        self.writable.append(is_writable)


def _open(*, is_head: bool = False) -> tuple[UpstreamConnection, FakeTransport, Listening]:
    upstream, transport, exchange = UpstreamConnection(200), FakeTransport(), Listening()
    upstream.connection_made(cast(asyncio.BaseTransport, transport))
    upstream.begin(exchange, b"GET / HTTP/1.1\r\n\r\n", is_head=is_head)
    return upstream, transport, exchange


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_an_answer_in_pieces_of_any_size_is_whole_and_the_connection_usable(size: int) -> None:
    upstream, _, exchange = _open()
    for start in range(0, len(OK), size):
        upstream.data_received(OK[start : start + size])
    assert (upstream.status, upstream.version, b"".join(upstream.chunks)) == (200, "1.1", b"ok")
    assert upstream.is_usable
    assert exchange.arrived == -(-len(OK) // size)


@pytest.mark.parametrize("more", [b"x", OK, b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_anything_after_a_complete_answer_makes_it_unusable(more: bytes) -> None:
    upstream, _, _ = _open()
    upstream.data_received(OK + more)
    assert upstream.is_complete
    assert not upstream.is_usable
    assert upstream.chunks == [b"ok"]


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_to_head_the_answer_is_its_head(size: int) -> None:
    upstream, _, _ = _open(is_head=True)
    head = b"HTTP/1.1 103 x\r\n\r\n" + OK[:-2]
    for start in range(0, len(head), size):
        upstream.data_received(head[start : start + size])
    assert upstream.is_usable
    upstream.data_received(b"ok")
    assert not upstream.is_usable
    assert upstream.chunks == []


def test_trailers_are_dropped_and_interims_set_aside() -> None:
    upstream, _, _ = _open()
    upstream.data_received(
        b"HTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: x\r\n\r\n"
    )
    assert upstream.interims == [(103, [(b"A", b"b")])]
    assert upstream.headers == [(b"Transfer-Encoding", b"chunked")]
    assert upstream.is_usable


@pytest.mark.parametrize("reads", [1, 40])
def test_interims_are_counted_over_all_reads(reads: int) -> None:
    """Else an app could send them for as long as it is waited for."""
    upstream, _, _ = _open()
    for _ in range(reads):
        upstream.data_received(b"HTTP/1.1 103 x\r\n\r\n" * (40 // reads))
    assert upstream.is_faulty
    assert len(upstream.interims) == 16


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 101 x\r\n\r\n", b"nonsense", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300]
)
def test_what_is_no_answer_is_faulty(answer: bytes) -> None:
    upstream, _, _ = _open()
    upstream.data_received(answer)
    assert upstream.is_faulty
    assert not upstream.is_usable


def test_an_exchange_hears_of_the_end_and_of_back_pressure_until_it_left() -> None:
    upstream, transport, exchange = _open()
    upstream.pause_writing()
    upstream.resume_writing()
    assert exchange.writable == [False, True]
    upstream.close()
    upstream.connection_lost(None)
    assert exchange.lost == 0
    assert transport.is_aborted
