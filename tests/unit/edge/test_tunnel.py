"""A tunnel between two fake sides: counting, deadlines, back-pressure and ends. Over sockets: tests/conformance/edge."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.edge.handshake import WebSocketRules
from proxy.edge.tunnel import FromApp, Tunnel


class Side(asyncio.Transport):
    """The app's transport, written down."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[object] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")


class Client:
    """The client's connection, written down."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.is_write_paused = False
        self.deadline = 0.0

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def hold_reading(self, *, is_held: bool) -> None:
        self.done.append(("hold", is_held))

    def tunnel_ended(self) -> None:
        self.done.append("ended")


class Scene:
    def __init__(self) -> None:
        self.client, self.app = Client(), Side()
        self.later: list[tuple[float, Any]] = []
        self.plane = SimpleNamespace(
            now=100.0,
            limits=SimpleNamespace(write_timeout=30.0),
            websockets=WebSocketRules(idle_timeout=600.0),
            loop=SimpleNamespace(call_later=lambda seconds, call: self.later.append((seconds, call))),
        )
        upstream: Any = SimpleNamespace(transport=self.app, hand_over=self._take)
        client: Any = self.client
        plane: Any = self.plane
        self.tunnel = Tunnel(client, upstream, plane)

    def _take(self, side: FromApp) -> None:
        self.side = side


def test_each_byte_is_counted_once_and_moves_the_deadline() -> None:
    scene = Scene()
    assert scene.client.deadline == 700.0
    scene.plane.now = 200.0
    scene.tunnel.client_sent(b"ping")
    scene.side.data_received(b"pong!")
    assert (scene.app.done, scene.client.done) == ([b"ping"], [b"pong!"])
    assert (scene.tunnel.received, scene.tunnel.sent, scene.client.deadline) == (4, 5, 800.0)


@pytest.mark.parametrize("is_client_stuck", [True, False])
def test_a_side_that_takes_nothing_stops_the_other_and_has_less_time(is_client_stuck: bool) -> None:
    scene = Scene()
    if is_client_stuck:
        scene.client.is_write_paused = True
        scene.tunnel.client_writable(is_writable=False)
        assert scene.app.done == ["pause"]
    else:
        scene.side.pause_writing()
        assert scene.client.done == [("hold", True)]
    assert scene.client.deadline == 130.0
    scene.client.is_write_paused = False
    if is_client_stuck:
        scene.tunnel.client_writable(is_writable=True)
    else:
        scene.side.resume_writing()
    assert scene.client.deadline == 700.0
    assert (scene.app.done + scene.client.done)[-1] in ("resume", ("hold", False))


def test_an_app_that_ends_ends_the_clients_side() -> None:
    scene = Scene()
    scene.side.connection_lost(None)
    assert scene.client.done == ["ended"]


def test_a_client_that_leaves_lets_the_app_read_on_for_a_moment_and_no_longer() -> None:
    scene = Scene()
    scene.tunnel.leave()
    assert scene.app.done == ["close"]
    ((seconds, call),) = scene.later
    assert seconds == 2.0
    call()
    assert scene.app.done == ["close", "abort"]
    scene.tunnel.leave()
    assert len(scene.later) == 1, "leaving twice is leaving once"
