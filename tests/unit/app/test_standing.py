"""An upstream that is down is told, and makes nobody unready."""

import asyncio
import math

import pytest

from proxy.app.standing import WithUpstreams, edge_figures, upstream_words
from proxy.edge.rules import Limits, UpstreamRules
from proxy.reasons import Reason
from tests.fakes.edge import eventually, running_edge
from tests.fakes.upstream import RecordingUpstream, answering


class Ready:
    async def ready(self) -> tuple[bool, dict[str, str]]:
        return True, {"store": "ok"}


async def test_an_upstream_that_is_down_is_told_until_it_is_back() -> None:
    async with RecordingUpstream() as gone:
        rules = gone.rules(down_for=0.01)
    async with RecordingUpstream() as app, running_edge(app.rules(), upstreams=[(b"/api", rules)]) as edge:
        seen = WithUpstreams(inner=Ready(), listener=edge.listener)
        assert await seen.ready() == (True, {"store": "ok", "upstream": "ok", "upstream /api": "ok"})
        wire = await edge.wire()
        await wire.exchange(b"GET /api HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await seen.ready() == (
            True,
            {"store": "ok", "upstream": "ok", "upstream /api": "connection refused"},
        )
        figures = edge_figures(edge.listener)
        assert figures.connections == 1
        assert [(one.prefix, one.is_up) for one in figures.upstreams] == [("", True), ("/api", False)]
        assert figures.upstreams[1].failures == {Reason.UPSTREAM_UNAVAILABLE: 1}
        async with RecordingUpstream(port=gone.port):

            async def is_back() -> bool:
                await wire.exchange(b"GET /api HTTP/1.1\r\nHost: a\r\n\r\n")
                return upstream_words(edge.listener)["upstream /api"] == "ok"

            async with asyncio.timeout(10):
                while not await is_back():
                    pass
        assert edge_figures(edge.listener).upstreams[1].is_up


@pytest.mark.parametrize("answer", [b"HTTP/1.1 999999 no\r\n\r\n", b"nonsense"])
async def test_an_app_that_answers_nonsense_is_up_and_its_failures_are_counted(answer: bytes) -> None:
    async with RecordingUpstream(answering(answer)) as app, running_edge(app.rules()) as edge:
        wire = await edge.wire()
        await wire.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        (one,) = edge_figures(edge.listener).upstreams
        assert (one.is_up, one.failures) == (True, {Reason.BAD_UPSTREAM_ANSWER: 1})


async def test_who_drains_is_not_ready_while_somebody_is_still_answered() -> None:
    limits = Limits(tick=0.02, drain_timeout=60.0)
    async with RecordingUpstream() as app, running_edge(app.rules(), limits=limits) as edge:
        seen = WithUpstreams(inner=Ready(), listener=edge.listener)
        wire = await edge.wire()
        await wire.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        drain = asyncio.create_task(edge.listener.drain(lambda: math.inf))
        await eventually(lambda: not edge.listener.is_accepting)
        is_ready, parts = await seen.ready()
        assert (is_ready, parts["listener"]) == (False, "accepts nobody: it begins or ends")
        await wire.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.wait_for(drain, 20)


async def test_before_the_listener_starts_there_is_nothing_to_tell() -> None:
    async with running_edge(UpstreamRules(host="127.0.0.1", port=9)) as edge:
        await edge.listener.drain()
        assert upstream_words(edge.listener) == {}
        await eventually(lambda: edge.listener.connections == 0)
