"""What RFC 9110 §7 and RFC 9112 demand of whoever stands between: by raw bytes on both sides. docs/http.md is the table."""

import asyncio

import pytest

from proxy.gate.fields import FieldRules
from tests.fakes.edge import FIELDS, fields_of, running_edge, status_of
from tests.fakes.upstream import OK, Conversation, RecordingUpstream, answering

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


# Via and Max-Forwards (RFC 9110 §7.6).


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", [b"1.1 muster"]),
        (b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", [b"1.0 muster"]),
        (b"GET / HTTP/1.1\r\nHost: a\r\nVia: 2 edge, 1.1 b\r\n\r\n", [b"2 edge, 1.1 b", b"1.1 muster"]),
        (b"GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 b\r\nConnection: via\r\n\r\n", [b"1.1 muster"]),
    ],
)
async def test_every_request_says_in_via_by_what_version_it_came_and_through_whom(
    sent: bytes, seen: list[bytes]
) -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        for _ in range(2):
            await edge.once(sent.replace(b"Host: a", b"Host: a\r\nConnection: close"))
        assert [one.values(b"via") for one in upstream.seen] == [seen, seen]


async def test_via_may_have_another_name_or_be_left_out_and_what_others_wrote_stays() -> None:
    sent = b"GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 b\r\n\r\n"
    for pseudonym, added in (("gate", [b"1.1 gate"]), (None, [])):
        fields = FieldRules(identity=FIELDS.identity, cookie=FIELDS.cookie, pseudonym=pseudonym)
        async with RecordingUpstream() as upstream, running_edge(upstream.rules(), fields=fields) as edge:
            await (await edge.wire()).exchange(sent)
            assert upstream.seen[0].values(b"via") == [b"1.1 b", *added]


async def test_an_answer_keeps_the_via_of_others_and_gets_none_of_ours() -> None:
    answer = b"HTTP/1.1 200 OK\r\nVia: 1.1 cache\r\nContent-Length: 2\r\n\r\nok"
    async with RecordingUpstream(answering(answer)) as upstream, running_edge(upstream.rules()) as edge:
        head, _ = await (await edge.wire()).exchange(GET)
        assert [value for name, value in fields_of(head) if name == b"via"] == [b"1.1 cache"]


async def test_a_request_that_goes_round_in_a_circle_ends_while_a_chain_of_several_of_us_passes() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        chain = b"GET / HTTP/1.1\r\nHost: a\r\nVia: " + b", ".join([b"1.1 muster"] * 7) + b"\r\n\r\n"
        assert (await (await edge.wire()).exchange(chain))[1] == b"ok"
        looped = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"Via: 1.1 muster\r\n" * 8 + b"\r\n"
        got = await edge.once(looped)
        assert (status_of(got), got.endswith(b"request_loop")) == (508, True)
        assert len(upstream.seen) == 1


async def test_max_forwards_counts_down_and_ends_here_at_zero() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        asking = b"OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: %d\r\nX: y\r\n\r\n"
        wire = await edge.wire()
        for left in (2, 2, 1):
            await wire.exchange(asking % left)
        assert [one.values(b"max-forwards") for one in upstream.seen] == [[b"1"], [b"1"], [b"0"]]
        assert all(one.values(b"x") == [b"y"] for one in upstream.seen)
        got = await edge.once(asking % 0)
        assert status_of(got) == 204
        assert b"GET" in dict(fields_of(got))[b"allow"].split(b", ")
        assert len(upstream.seen) == 3
        assert edge.gate.requests == edge.gate.requests[:3]


async def test_max_forwards_of_other_methods_is_only_passed_on() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        await (await edge.wire()).exchange(b"GET / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n")
        assert upstream.seen[0].values(b"max-forwards") == [b"0"]


# Fields that we add or leave (RFC 9110 §5, §6).


async def test_an_answer_without_a_date_gets_one_and_another_keeps_its_own() -> None:
    dated = b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nok"
    async with RecordingUpstream(answering(OK, dated)) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        head, _ = await wire.exchange(GET)
        assert dict(fields_of(head))[b"date"].endswith(b" GMT")
        head, _ = await wire.exchange(GET)
        assert [value for name, value in fields_of(head) if name == b"date"] == [
            b"Sun, 06 Nov 1994 08:49:37 GMT"
        ]


async def test_unknown_fields_cross_both_ways_in_their_order_and_case() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nContent-Length: 0\r\n\r\n"
    async with RecordingUpstream(answering(answer)) as upstream, running_edge(upstream.rules()) as edge:
        head, _ = await (await edge.wire()).exchange(
            b"GET / HTTP/1.1\r\nHost: a\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\n\r\n"
        )
        for got in (upstream.seen[0].head, head):
            assert b"X-B: 1\r\nx-a: 2\r\nX-B: 3\r\n" in got


# Framing of requests (RFC 9112 §6, §7).

ENDLESS = {
    "a trailer's value": b"0\r\nX: " + b"a" * 16_000,
    "trailers": b"0\r\n" + b"X: a\r\n" * 3_000,
    "a chunk's extension": b"1;" + b"a" * 16_000,
    "extensions of tiny chunks": (b"1;" + b"a" * 200 + b"\r\nx\r\n") * 80,
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_chunk_extensions_and_trailers_without_end_are_a_400(name: str) -> None:
    """An unfinished field would be collected in memory for as long as it comes."""
    more = {"a trailer's value": b"a" * 16_000, "a chunk's extension": b"a" * 16_000}.get(name, ENDLESS[name])
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(CHUNKED + ENDLESS[name])
        for _ in range(20):
            await wire.send(more.removeprefix(b"0\r\n"))
        assert status_of(await wire.until(b"\r\n\r\n")) == 400
        assert b"0\r\n\r\n" not in upstream.raw


async def test_many_small_chunks_are_no_attack() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(CHUNKED + b"1;a=b\r\nx\r\n" * 20_000 + b"0\r\n\r\n")
        assert (await wire.answer())[1] == b"ok"
        assert upstream.seen[0].body == b"x" * 20_000


async def test_a_bad_chunk_after_the_answer_began_cuts_the_connection() -> None:
    async def hasty(conversation: Conversation) -> None:
        await conversation.head()
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        await conversation.read(100)
        await conversation.read(100)

    async with RecordingUpstream(hasty) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(CHUNKED + b"1\r\nx\r\n")
        await wire.until(b"\r\n\r\n")
        await wire.send(b"zz\r\n")
        with pytest.raises(ConnectionError):
            await wire.rest()
        assert [line[2] for line in edge.access.lines] == [200]


async def test_empty_lines_before_a_request_are_passed_over() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        for _ in range(2):
            assert (await wire.exchange(b"\r\n" + GET))[1] == b"ok"


# Connections (RFC 9112 §9).


@pytest.mark.parametrize(
    "value", [b"close", b"Close", b"keep-alive, close", b"x, close", b"close\r\nConnection: x"]
)
async def test_a_client_that_says_close_gets_its_answer_and_the_end(value: bytes) -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        got = await edge.once(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: " + value + b"\r\n\r\n" + GET)
        assert got.count(b"HTTP/1.1 200 ") == 1
        assert b"Connection: close\r\n" in got
        assert len(upstream.seen) == 1


async def test_an_app_that_says_close_is_not_asked_again_on_that_connection() -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 2\r\n\r\nok"

    async def stays(conversation: Conversation) -> None:
        for _ in range(2):
            await conversation.request()
            await conversation.send(closing)
        await conversation.read(1)

    async with RecordingUpstream(stays) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        for _ in range(2):
            head, _ = await wire.exchange(GET)
            assert b"Connection" not in head
        assert len(upstream.conversations) == 2


async def test_an_http_1_0_client_is_closed_after_its_answer_and_gets_a_1_1_status_line() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        got = await edge.once(b"GET / HTTP/1.0\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 200 ")
        assert upstream.seen[0].line == b"GET / HTTP/1.1"
        assert len(upstream.seen[0].values(b"host")) == 1


# Interim and early answers (RFC 9110 §10.1.1, §15.2).


async def test_a_100_that_nobody_asked_for_is_passed_on_too() -> None:
    async with (
        RecordingUpstream(answering(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)) as upstream,
        running_edge(upstream.rules()) as edge,
    ):
        wire = await edge.wire()
        await wire.send(GET)
        assert await wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await wire.answer())[1] == b"ok"


async def test_an_expectation_of_an_http_1_0_client_is_ignored() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        await edge.once(b"PUT / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx")
        assert upstream.seen[0].values(b"expect") == []


async def test_who_waits_for_100_may_get_the_final_answer_instead_and_never_sends_the_body() -> None:
    async def refusing(conversation: Conversation) -> None:
        await conversation.head()
        await conversation.send(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno")
        await conversation.read(1)

    async with RecordingUpstream(refusing) as upstream, running_edge(upstream.rules()) as edge:
        got = await edge.once(
            b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert status_of(got) == 401
        assert b"Connection: close\r\n" in got
        assert upstream.raw.endswith(b"\r\n\r\n")


# Answers (RFC 9112 §4, §6.3).


@pytest.mark.parametrize("status", [b"099", b"000", b"20", b"2000", b"abc"])
async def test_a_status_that_is_none_is_a_502(status: bytes) -> None:
    answer = b"HTTP/1.1 " + status + b" x\r\nContent-Length: 2\r\n\r\nok"
    async with RecordingUpstream(answering(answer)) as upstream, running_edge(upstream.rules()) as edge:
        assert status_of((await (await edge.wire()).exchange(GET))[0]) == 502


async def test_an_answers_trailer_without_end_cuts_the_client() -> None:
    async def endless(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ")
        for _ in range(200):
            await conversation.send(b"a" * 16_000)

    async with RecordingUpstream(endless) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await wire.until(b"0\r\n\r\n")


async def test_a_stream_of_many_small_chunks_is_never_taken_for_an_endless_trailer() -> None:
    async def trickling(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(300):
            await conversation.send(b"1;" + b"a" * 300 + b"\r\n")
            await asyncio.sleep(0)
            await conversation.send(b"x\r\n")
            await asyncio.sleep(0)
        await conversation.send(b"0\r\n\r\n")
        await conversation.read(1)

    async with RecordingUpstream(trickling) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        assert (await wire.until(b"0\r\n\r\n")).count(b"x") == 300
