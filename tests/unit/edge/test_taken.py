"""What a client has taken, as the kernel knows it: on sockets, and where it does not say."""

import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from proxy.edge.taken import Taken, taken
from tests.fakes.edge import eventually

SIZE = 20_000


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """One who writes, and one who takes a few kilobytes before anybody reads them."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        reader.connect(listening.getsockname())
        writer, _ = listening.accept()
        with closing(writer):
            yield writer, reader


def is_all(writer: socket.socket) -> bool:
    known = taken(writer)
    return known is not None and known.is_all


async def test_what_nobody_read_is_not_taken_and_what_was_read_is() -> None:
    with connected() as (writer, reader):
        assert is_all(writer)
        writer.sendall(b"x" * SIZE)
        assert not is_all(writer)
        left = SIZE
        while left:
            left -= len(reader.recv(left))
        await eventually(lambda: is_all(writer))
        known = taken(writer)
        assert known is not None
        assert known.acknowledged >= SIZE


def test_where_the_kernel_does_not_say_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = socket.socketpair()
    with closing(near), closing(far):
        assert taken(near) is None, "no TCP"
    assert taken(near) is None, "closed"
    with connected() as (writer, _):
        monkeypatch.setattr(sys, "platform", "darwin")
        assert taken(writer) is None


class Old:
    """A socket of a kernel that says less."""

    def __init__(self, told: bytes) -> None:
        self.told = told

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        return self.told[:size]


def test_the_three_numbers_stand_where_linux_puts_them() -> None:
    told = bytearray(192)
    struct.pack_into("=Q", told, 120, 2**40)
    assert taken(Old(bytes(told))) == Taken(2**40, is_all=True)
    assert taken(Old(bytes(told[:104]))) is None
    for offset in (24, 144):
        waiting = bytearray(told)
        struct.pack_into("=I", waiting, offset, 1)
        assert taken(Old(bytes(waiting))) == Taken(2**40, is_all=False)
