"""The generators of our own, against small servers: they count what happened, and refuse what is no measurement."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from bench.app import Beside, masked_frame, plain_frame, take_frame
from bench.bulk import down, up
from bench.rounds import Schedule, at_rate, echoes
from bench.targets import ROOT
from bench.wire import Failed, Place, whole_length

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024


@contextlib.contextmanager
def served(protocol: Callable[[], asyncio.Protocol]) -> Iterator[Place]:
    """A server on a loop in a thread of its own."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        server = await loop.create_server(protocol, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        server.close()
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    try:
        yield Place(port=ports[0], headers={"Cookie": "a=b"})
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
        transports.clear()


transports: list[asyncio.Transport] = []


class Answering(asyncio.Protocol):
    """Gives every head the same answer, the first one late."""

    answer = ANSWER
    late_seconds = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transports.append(transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        late, type(self).late_seconds = type(self).late_seconds, 0.0
        asyncio.get_running_loop().call_later(
            late, self._transport.write, self.answer * data.count(b"\r\n\r\n")
        )


class Echoing(Beside):
    """The app of the bench, closed when the test ends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transports.append(transport)
        super().connection_made(transport)


def test_a_schedule_gives_each_request_once_when_it_is_due() -> None:
    schedule = Schedule(10, 0.5)
    assert list(schedule.take(0.0)) == [0.0]
    assert list(schedule.take(0.05)) == []
    assert list(schedule.take(0.31)) == [0.1, 0.2, 0.3]
    assert list(schedule.take(9.0)) == [0.4]
    assert list(schedule.take(9.0)) == []


def test_at_a_fixed_rate_each_request_is_sent_once() -> None:
    with served(Answering) as place:
        load = at_rate(place, 0.2, 4, 100)
    assert load.requests == 20
    assert load.seconds >= 0.19


def test_who_is_late_is_late_for_all_that_came_due_meanwhile() -> None:
    """No coordinated omission: one stall of half a second is seen by some fifty requests, not by one."""

    class Stalling(Answering):
        late_seconds = 0.5

    with served(Stalling) as place:
        load = at_rate(place, 0.5, 1, 100)
    assert load.requests == 50
    assert load.p99_ms >= 450
    assert load.p50_ms >= 200


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", ANSWER + b"x"],
)
def test_another_answer_is_no_measurement(answer: bytes) -> None:
    class Wrong(Answering):
        pass

    Wrong.answer = answer
    with served(Wrong) as place, pytest.raises(Failed):
        at_rate(place, 0.1, 1, 10)


def test_echoes_are_counted() -> None:
    with served(Echoing) as place:
        load = echoes(place, 0.2, 3)
    assert load.requests >= 3
    assert 0 < load.p50_ms <= load.p99_ms <= load.p999_ms


def test_a_refused_upgrade_is_no_measurement() -> None:
    with served(Answering) as place, pytest.raises(Failed, match="200 OK"):
        echoes(place, 0.2, 2)


def test_another_echo_is_no_measurement() -> None:
    class Lying(Echoing):
        def _echo(self, data: bytes) -> None:
            self._transport.write(plain_frame(b"f" * 100))

    with served(Lying) as place, pytest.raises(Failed, match="not the echo"):
        echoes(place, 5, 1)


@pytest.mark.parametrize("payload", [b"", b"a", b"hello", b"\0" * 7, bytes(range(125))])
def test_a_masked_frame_comes_back_plain(payload: bytes) -> None:
    frame = masked_frame(payload, b"\x01\x80\xff\x00")
    assert take_frame(frame + b"rest") == (plain_frame(payload), b"rest")
    assert all(take_frame(frame[:length]) is None for length in range(len(frame)))


def test_goodbye_is_no_message() -> None:
    assert take_frame(b"\x88\x80abcd") == (b"", b"")


def test_an_upload_is_drained_whole() -> None:
    with served(Echoing) as place:
        load = up(place, 1_000_000)
    assert (load.requests, load.bytes_moved) == (1, 1_000_000)


def test_a_download_is_counted() -> None:
    with served(Answering) as place:
        assert down(place, 1024).bytes_moved == 1024


def test_a_download_of_another_length_is_no_measurement() -> None:
    with served(Answering) as place, pytest.raises(Failed, match="1024 bytes instead of 4096"):
        down(place, 4096)


def test_a_message_is_as_long_as_its_head_says() -> None:
    assert whole_length(ANSWER) == len(ANSWER)
    assert whole_length(ANSWER[:20]) is None
    assert whole_length(ANSWER[: ANSWER.index(b"xx")]) == len(ANSWER)


def test_what_every_request_carries_is_in_the_head_once() -> None:
    place = Place(port=1, headers={"Host": "a.localhost", "Cookie": "a=b"})
    assert place.head("GET", "/1k", {"Upgrade": "websocket"}) == (
        b"GET /1k HTTP/1.1\r\nHost: a.localhost\r\nCookie: a=b\r\nUpgrade: websocket\r\n\r\n"
    )


def test_a_generator_that_fails_says_why() -> None:
    with served(Answering) as place:
        asked = {"port": place.port, "headers": {}, "arguments": {"size": 1}}
        command = [sys.executable, "-m", "bench.generate", "down", json.dumps(asked)]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, env=os.environ, check=False, timeout=60
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "1024 bytes instead of 1\n"
