"""What a trusted proxy says of the client is believed, and nobody else's word is: on sockets, as the app sees it."""

import contextlib
import ipaddress
import socket
import struct

import pytest

from proxy.edge.trust import Trust
from tests.fakes.edge import eventually, running_edge, status_of
from tests.fakes.upstream import RecordingUpstream

LOOPBACK = Trust([ipaddress.ip_network("127.0.0.0/8")])
ELSEWHERE = Trust([ipaddress.ip_network("10.0.0.0/8")])
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
V2 = (
    b"\r\n\r\n\x00\r\nQUIT\n"
    + struct.pack("!BBH", 0x21, 0x11, 12)
    + bytes([203, 0, 113, 9, 10, 0, 0, 1, 1, 1, 1, 1])
)


async def test_a_trusted_proxy_names_the_client_for_the_app_and_the_log() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), trust=LOOPBACK) as edge:
        wire = await edge.wire()
        for address in (b"203.0.113.7", b"198.51.100.2"):
            head, _ = await wire.exchange(GET + b"X-Forwarded-For: 6.6.6.6, " + address + b"\r\n\r\n")
            assert status_of(head) == 200
        values = [seen.values(b"x-forwarded-for") for seen in upstream.seen]
        assert values == [[b"203.0.113.7, 127.0.0.1"], [b"198.51.100.2, 127.0.0.1"]]
        assert [line[0] for line in edge.access.lines] == ["203.0.113.7", "198.51.100.2"]


async def test_one_connection_serves_many_clients_and_none_inherits_the_others_address() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), trust=LOOPBACK) as edge:
        wire = await edge.wire()
        await wire.exchange(GET + b"X-Forwarded-For: 203.0.113.7\r\n\r\n")
        await wire.exchange(GET + b"\r\n")
        await wire.exchange(GET + b"X-Forwarded-For: 203.0.113.7\r\n\r\n")
        values = [seen.values(b"x-forwarded-for") for seen in upstream.seen]
        assert values == [[b"203.0.113.7, 127.0.0.1"], [b"127.0.0.1"], [b"203.0.113.7, 127.0.0.1"]]


@pytest.mark.parametrize("trust", [None, ELSEWHERE])
async def test_nobody_elses_word_is_believed(trust: Trust | None) -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), trust=trust) as edge:
        wire = await edge.wire()
        await wire.exchange(GET + b"X-Forwarded-For: 203.0.113.7\r\nForwarded: for=1.1.1.1\r\n\r\n")
        assert upstream.seen[0].values(b"x-forwarded-for") == [b"127.0.0.1"]
        assert b"1.1.1.1" not in upstream.seen[0].head
        assert edge.access.lines[0][0] == "127.0.0.1"


@pytest.mark.parametrize(
    "address", [b'2001:db8::7%";for=6.6.6.6;by="', b"2001:db8::7%\xe9", b"[2001:db8::7%x]:1", b"fe80::1%eth0"]
)
async def test_a_zone_in_an_address_names_nobody_and_breaks_nothing(address: bytes) -> None:
    """Any text may stand in a zone: it would end a quoted string of ours, or be no ASCII."""
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), trust=LOOPBACK) as edge:
        wire = await edge.wire()
        head, _ = await wire.exchange(GET + b"X-Forwarded-For: " + address + b"\r\n\r\n")
        assert status_of(head) == 200
        assert upstream.seen[0].values(b"x-forwarded-for") == [b"127.0.0.1"]
        assert upstream.seen[0].values(b"forwarded") == [b'for=127.0.0.1;host="a";proto=http']
        assert edge.access.lines[0][0] == "127.0.0.1"
        assert not edge.reported


async def test_a_zone_in_a_preamble_writes_no_field_of_its_own() -> None:
    """A lone line feed ends a field for many apps; the preamble's line ends with both."""
    preamble = b"PROXY TCP6 2001:db8::7%\nX-Forwarded-User:root ::1 1 2\r\n"
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), trust=LOOPBACK, expects_preamble=True) as edge,
    ):
        with contextlib.suppress(ConnectionError):
            assert await edge.once(preamble + GET + b"\r\n") == b""
        assert upstream.raw == b""
        assert not edge.access.lines


@pytest.mark.parametrize(
    ("preamble", "address"),
    [
        (b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n", b"203.0.113.9"),
        (V2, b"203.0.113.9"),
        (b"PROXY UNKNOWN\r\n", b"127.0.0.1"),
    ],
)
async def test_the_proxy_protocol_names_the_client_however_it_is_cut(preamble: bytes, address: bytes) -> None:
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), trust=LOOPBACK, expects_preamble=True) as edge,
    ):
        for cut in (0, 1, len(preamble) - 1, len(preamble)):
            wire = await edge.wire()
            await wire.send(preamble[:cut])
            head, _ = await wire.exchange(preamble[cut:] + GET + b"\r\n")
            assert status_of(head) == 200
            await wire.exchange(GET + b"\r\n")
        assert {value for seen in upstream.seen for value in seen.values(b"x-forwarded-for")} == {address}


async def test_behind_the_proxy_protocol_the_client_is_no_proxy_of_ours() -> None:
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), trust=LOOPBACK, expects_preamble=True) as edge,
    ):
        wire = await edge.wire()
        await wire.exchange(V2 + GET + b"X-Forwarded-For: 6.6.6.6\r\n\r\n")
        assert upstream.seen[0].values(b"x-forwarded-for") == [b"203.0.113.9"]


async def test_a_connection_without_the_header_is_cut_and_the_app_hears_nothing() -> None:
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), trust=LOOPBACK, expects_preamble=True) as edge,
    ):
        wire = await edge.wire()
        await wire.send(GET + b"\r\n")
        with pytest.raises(ConnectionError):
            await wire.rest()
        await eventually(lambda: edge.listener.figures.malformed == 1)
        assert upstream.seen == []


async def test_the_header_of_somebody_who_is_not_trusted_is_not_even_read() -> None:
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), trust=ELSEWHERE, expects_preamble=True) as edge,
    ):
        wire = await edge.wire()
        await wire.send(V2 + GET + b"\r\n")
        with contextlib.suppress(ConnectionError):
            assert await wire.rest() == b""
        assert (upstream.seen, edge.listener.figures.refused_connections) == ([], 1)


@pytest.mark.parametrize("expects_preamble", [False, True])
async def test_who_resets_its_connection_before_it_is_accepted_is_not_taken_for_a_trusted_one(
    expects_preamble: bool,
) -> None:
    """What it sent can still be read then, and its address can not: it would pass for a neighbour on a Unix socket."""
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), trust=ELSEWHERE, expects_preamble=expects_preamble) as edge,
    ):
        with socket.create_connection(("127.0.0.1", edge.port)) as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stranger.sendall(V2 * expects_preamble + GET + b"X-Forwarded-For: 203.0.113.7\r\n\r\n")
        await eventually(lambda: edge.listener.figures.refused_connections == 1)
        assert edge.gate.requests == []
        assert edge.listener.connections == 0
