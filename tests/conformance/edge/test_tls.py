"""A TLS listener under hostile clients: those that never shake hands, or with something else, and those that are early."""

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

import pytest

from proxy.edge.refused import HeadAnswer
from proxy.edge.room import LEAST
from proxy.edge.rules import Limits
from proxy.edge.tls import CertificateFiles, load
from tests.fakes.certificates import Authority
from tests.fakes.edge import Edge, Wire, eventually, running_edge, status_of
from tests.fakes.upstream import RecordingUpstream, answering

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> ssl.SSLContext:
    pair = authority.issue("server")
    return load(CertificateFiles(certificate=pair.cert, key=pair.key))


async def secured(edge: Edge, authority: Authority) -> Wire:
    """A connection that shook hands."""
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    opened = await asyncio.open_connection("127.0.0.1", edge.port, ssl=trust, server_hostname="localhost")
    edge.wires.append(Wire(*opened))
    return edge.wires[-1]


async def by_hand(wire: Wire, trust: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """Hands are shaken; what follows is read and written only when the test does it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            client.do_handshake()
            return client, incoming, outgoing
        except ssl.SSLWantReadError:
            await wire.send(outgoing.read())
            incoming.write(await asyncio.wait_for(wire.reader.read(65536), 5))


async def is_cut(wire: Wire) -> bool:
    """Whether nothing came but the end."""
    try:
        return await wire.rest() == b""
    except ConnectionError:
        return True


async def test_a_connection_that_never_shakes_hands_counts_like_any_other(
    authority: Authority, server: ssl.SSLContext
) -> None:
    """Else one client could hold as many as the process may have files open."""
    limits = Limits(tick=0.02, drain_timeout=1.0, connections=3)
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=limits, tls=server) as edge,
    ):
        silent = [await edge.wire() for _ in range(3)]
        assert await is_cut(await edge.wire())
        assert edge.listener.figures.refused_connections == 1
        silent[0].close()
        plane = edge.listener._plane
        assert plane is not None
        await eventually(lambda: len(plane.entrants) == 2)
        served = await secured(edge, authority)
        assert status_of((await served.exchange(GET))[0]) == 200
        assert (len(plane.clients), len(plane.entrants)) == (1, 2), "it counts once"


async def test_one_client_has_no_more_than_it_may_shaking_hands_or_served(
    authority: Authority, server: ssl.SSLContext
) -> None:
    limits = Limits(tick=0.02, drain_timeout=1.0, connections_per_client=2)
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=limits, tls=server) as edge,
    ):
        silent = await edge.wire()
        served = await secured(edge, authority)
        assert status_of((await served.exchange(GET))[0]) == 200
        assert await is_cut(await edge.wire())
        plane = edge.listener._plane
        assert plane is not None
        silent.close()
        served.close()
        await eventually(lambda: len(plane.crowd) == 0)
        assert not plane.coming


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01", GET, b"\x80\x2e\x01\x00\x02"])
async def test_who_shakes_no_hands_is_gone_after_the_deadline_of_a_head(
    server: ssl.SSLContext, sent: bytes
) -> None:
    limits = Limits(tick=0.02, drain_timeout=1.0, header_timeout=0.5)
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=limits, tls=server) as edge,
    ):
        wire = await edge.wire()
        await wire.send(sent)
        got = b""
        with contextlib.suppress(ConnectionError):
            got = await wire.rest()
        assert b"HTTP" not in got, "an alert of TLS at most"
        plane = edge.listener._plane
        assert plane is not None
        await eventually(lambda: not plane.entrants and not plane.clients)
        assert not edge.reported
        told = [HeadAnswer("127.0.0.1", None, None, 0, 0, "no TLS handshake")]
        assert edge.access.aside == (told if sent == GET else []), "silence is no news"
        assert upstream.raw == b""


async def test_a_request_in_the_same_segment_as_the_end_of_the_handshake_is_answered(
    authority: Authority, server: ssl.SSLContext
) -> None:
    """TLS 1.3 lets a client send it so; here both are one write."""
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), tls=server) as edge:
        wire = await edge.wire()
        client, incoming, outgoing = await by_hand(wire, trust)
        client.write(GET)
        await wire.send(outgoing.read())
        got = b""
        while not got.endswith(b"ok"):
            incoming.write(await asyncio.wait_for(wire.reader.read(65536), 5))
            try:
                got += client.read(65536)
            except ssl.SSLWantReadError:
                continue
        assert status_of(got) == 200
        assert len(upstream.seen) == 1


async def test_draining_does_not_wait_for_hands_that_are_never_shaken(server: ssl.SSLContext) -> None:
    limits = Limits(tick=0.02, drain_timeout=30.0, header_timeout=30.0)
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=limits, tls=server) as edge,
    ):
        wire = await edge.wire()
        plane = edge.listener._plane
        assert plane is not None
        await eventually(lambda: len(plane.entrants) == 1)
        async with asyncio.timeout(10):
            await edge.listener.drain()
        assert await is_cut(wire)
        assert not plane.entrants


async def test_draining_does_not_wait_for_who_never_says_that_it_heard_of_the_end(
    authority: Authority, server: ssl.SSLContext
) -> None:
    """A telephone out of reach keeps its connection, and TLS would wait for its last word."""
    limits = Limits(tick=0.02, drain_timeout=60.0, write_timeout=60.0, linger=0.1)
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=limits, tls=server) as edge,
    ):
        wire = await edge.wire()
        client, _, outgoing = await by_hand(wire, trust)
        client.write(GET)
        await wire.send(outgoing.read())
        await wire.exactly(1)
        await eventually(lambda: edge.listener.in_flight == 0)
        async with asyncio.timeout(20):
            await edge.listener.drain()


async def test_nobody_gives_way_who_has_not_taken_the_answer(
    authority: Authority, server: ssl.SSLContext
) -> None:
    """What was encrypted waits below the transport, which does not tell of it."""
    limits = Limits(tick=0.02, drain_timeout=1.0, connections=1)
    body = b"x" * 20_000
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    async with (
        RecordingUpstream(script) as upstream,
        running_edge(upstream.rules(), limits=limits, tls=server) as edge,
    ):
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            slow.connect(("127.0.0.1", edge.port))
            wire = Wire(*await asyncio.open_connection(sock=slow.dup(), limit=1024))
            edge.wires.append(wire)
            client, incoming, outgoing = await by_hand(wire, trust)
            client.write(GET)
            await wire.send(outgoing.read())
            plane = edge.listener._plane
            assert plane is not None
            await eventually(lambda: len(edge.access.lines) == 1)
            (first,) = plane.clients
            await eventually(
                lambda: (since := first.waiting_since()) is not None and plane.now - since > LEAST
            )
            assert await is_cut(await edge.wire())
            assert (first in plane.clients, edge.listener.figures.refused_connections) == (True, 1)
            got = 0
            while got < len(body):
                incoming.write(await asyncio.wait_for(wire.reader.read(65536), 5))
                with contextlib.suppress(ssl.SSLWantReadError):
                    while True:
                        got += len(client.read(65536))
            await eventually(first._is_taken)
            looked = plane.now
            await eventually(lambda: plane.now > looked)  # who waits is looked up once a tick
            newcomer = await secured(edge, authority)
            assert status_of((await newcomer.exchange(GET))[0]) == 200


async def test_a_client_that_goes_away_in_the_handshake_leaves_nothing(server: ssl.SSLContext) -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), tls=server) as edge:
        plane = edge.listener._plane
        assert plane is not None
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", edge.port)) as raw:
                raw.sendall(b"\x16\x03\x01\x02\x00")
        await eventually(lambda: not plane.entrants)
        assert not plane.clients
        assert not edge.reported
