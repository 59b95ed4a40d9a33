"""Pieces: bounded, complete, and never across the end of a message."""

import pytest

from proxy.edge.inbox import FEED, Inbox

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def _pieces(inbox: Inbox) -> list[bytes]:
    pieces = []
    while inbox.data:
        pieces.append(inbox.piece())
    return pieces


@pytest.mark.parametrize("cut", range(1, len(HEAD)))
def test_heads_are_given_one_at_a_time_wherever_reads_are_cut(cut: int) -> None:
    inbox = Inbox()
    inbox.add(HEAD[:cut])
    assert _pieces(inbox) == [HEAD[:cut]]
    inbox.add(HEAD[cut:] + HEAD + HEAD)
    assert _pieces(inbox) == [HEAD[cut:], HEAD, HEAD]


def test_byte_by_byte_nothing_is_lost_or_doubled() -> None:
    inbox, given = Inbox(), []
    for byte in HEAD * 3:
        inbox.add(bytes((byte,)))
        given += _pieces(inbox)
    assert b"".join(given) == HEAD * 3


def test_a_body_by_length_ends_where_it_says() -> None:
    inbox = Inbox()
    inbox.add(HEAD + b"\r\n\r\nxx" + HEAD)
    assert inbox.piece() == HEAD
    inbox.expect(6)
    assert _pieces(inbox) == [b"\r\n\r\nxx", HEAD]


def test_a_chunked_body_ends_at_an_empty_line_and_the_next_head_waits() -> None:
    inbox = Inbox()
    inbox.add(HEAD + b"1\r\nx\r\n0\r\n\r\n" + HEAD)
    assert inbox.piece() == HEAD
    inbox.expect(-1)
    assert _pieces(inbox) == [b"1\r\nx\r\n0\r\n\r\n", HEAD]


def test_pieces_are_bounded_and_reads_add_up() -> None:
    inbox = Inbox()
    inbox.expect(3 * FEED)
    inbox.add(b"x" * (FEED + 1))
    assert [len(piece) for piece in (inbox.piece(),)] == [FEED]
    inbox.add(b"y" * (2 * FEED - 1))
    assert [len(piece) for piece in _pieces(inbox)] == [FEED, FEED]


def test_clearing_forgets_everything() -> None:
    inbox = Inbox()
    inbox.add(b"GET / HTTP/1.1\r\n\r")
    inbox.piece()
    inbox.expect(9)
    inbox.clear()
    inbox.add(b"\n" + HEAD)
    assert _pieces(inbox) == [b"\n" + HEAD]


def test_a_read_that_is_one_whole_head_may_go_as_it_is() -> None:
    inbox = Inbox()
    assert inbox.is_whole_head(HEAD)
    assert not inbox.is_whole_head(HEAD + HEAD)
    assert not inbox.is_whole_head(HEAD[:-1])
    assert not inbox.is_whole_head(b"x" * FEED + HEAD)
    inbox.add(HEAD[:-2])
    assert not inbox.is_whole_head(HEAD)
    inbox.piece()
    assert not inbox.is_whole_head(b"\r\n" + HEAD)
