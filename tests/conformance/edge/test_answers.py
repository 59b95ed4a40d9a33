"""What an app may answer, from the plain to the hostile: relayed faithfully, or refused with 502, and never mixed up."""

import asyncio
import contextlib

import pytest

from proxy.reasons import Reason
from tests.fakes.edge import fields_of, running_edge, status_of
from tests.fakes.upstream import OK, Conversation, RecordingUpstream, answering

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
GET_10 = b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_a_chunked_answer_stays_chunked_and_loses_its_trailers() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n"
    async with RecordingUpstream(answering(answer, OK)) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        head = await wire.until(b"\r\n\r\n")
        body = await wire.until(b"0\r\n\r\n")
        assert (b"transfer-encoding", b"chunked") in fields_of(head)
        assert b"X-Trailer" not in body
        assert body in (b"5\r\nabcde\r\n0\r\n\r\n", b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert (await wire.exchange(GET))[1] == b"ok"
        assert len(upstream.conversations) == 1


async def test_an_http_1_0_client_gets_no_chunks_but_a_close() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    async with RecordingUpstream(answering(answer)) as upstream, running_edge(upstream.rules()) as edge:
        got = await edge.once(GET_10)
        head, _, body = got.partition(b"\r\n\r\n")
        assert body == b"abc"
        assert b"Transfer-Encoding" not in head
        assert b"Connection: close" in head


async def test_an_http_1_0_client_may_keep_its_connection() -> None:
    asking = b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        for _ in range(2):
            head, body = await wire.exchange(asking)
            assert body == b"ok"
            assert b"Connection: keep-alive\r\n" in head


async def test_an_answer_that_ends_by_closing_becomes_chunked_and_ends_cleanly() -> None:
    answer = b"HTTP/1.0 200 OK\r\n\r\nuntil the end"
    async with RecordingUpstream(answering(answer)) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        head = await wire.until(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked\r\n" in head
        assert await wire.until(b"0\r\n\r\n") == b"d\r\nuntil the end\r\n0\r\n\r\n"
        await wire.exchange(GET)


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_is_followed_by_the_next(status: int) -> None:
    answer = b"HTTP/1.1 %d x\r\nETag: a\r\n\r\n" % status
    async with RecordingUpstream(answering(answer, OK)) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        head, _ = await wire.exchange(GET)
        assert status_of(head) == status
        assert b"ransfer-" not in head
        assert (await wire.exchange(GET))[1] == b"ok"


async def test_head_ends_with_its_head_and_the_next_answer_is_the_next_one() -> None:
    """The length is the representation's, no body follows, and the connection to the app serves on."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    async with RecordingUpstream(answering(answer, OK)) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(HEAD)
        head = await wire.until(b"\r\n\r\n")
        assert (b"content-length", b"5") in fields_of(head)
        assert (await wire.exchange(GET))[1] == b"ok"
        assert len(upstream.conversations) == 1


@pytest.mark.parametrize(
    "body", [b"hello", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"0\r\n\r\n", b"\r\n"]
)
@pytest.mark.parametrize("framing", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""])
async def test_a_body_after_head_never_becomes_somebody_elses_answer(body: bytes, framing: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n" + body
    async with (
        RecordingUpstream(answering(answer, answer)) as upstream,
        running_edge(upstream.rules()) as edge,
    ):
        wire = await edge.wire()
        await wire.send(HEAD)
        assert status_of(await wire.until(b"\r\n\r\n")) == 200
        await wire.send(HEAD)
        assert status_of(await wire.until(b"\r\n\r\n")) == 200
        assert len(upstream.conversations) == 2


async def test_bytes_after_an_answer_are_never_the_next_answer() -> None:
    """An app, or whoever writes into its connection, that sends two answers to one request."""
    evil = OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    async with RecordingUpstream(answering(evil, OK)) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        assert (await wire.exchange(GET))[1] == b"ok"
        assert (await wire.exchange(GET))[1] == b"ok"
        assert len(upstream.conversations) == 2


async def test_bytes_on_an_idle_connection_close_it() -> None:
    async def talkative(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(OK)
        await asyncio.sleep(0.05)
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await conversation.read(1)

    async with RecordingUpstream(talkative) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        assert (await wire.exchange(GET))[1] == b"ok"
        await asyncio.sleep(0.1)
        assert (await wire.exchange(GET))[1] == b"ok"
        assert len(upstream.conversations) == 2


HOSTILE = {
    "CL and TE": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two CLs": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a signed CL": b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    "two codings": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "TE in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "101 nobody asked for": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "obs-fold": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "chunked, broken": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    "no HTTP at all": b"hello world\r\n\r\n",
    "an enormous head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
    "endless 1xx": b"HTTP/1.1 103 Early\r\n\r\n" * 40,
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "101 nobody asked for, and an answer": b"HTTP/1.1 101 Switching\r\n\r\n" + OK,
    "a status below 100, and an answer": b"HTTP/1.1 099 x\r\n\r\n" + OK,
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nok",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_answer_is_a_502_and_its_connection_is_not_used_again(name: str) -> None:
    async with (
        RecordingUpstream(answering(HOSTILE[name])) as upstream,
        running_edge(upstream.rules()) as edge,
    ):
        wire = await edge.wire()
        await wire.send(GET)
        head, body = await wire.answer()
        while status_of(head) == 103:
            head, body = await wire.answer()
        assert (status_of(head), body) == (502, b"bad_upstream_answer")
        assert (b"retry-after", b"5") in fields_of(head)
        await wire.exchange(GET)
        assert len(upstream.conversations) == 2
        assert not edge.reported


CUT = {
    "short of its length": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
    "chunked without an end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "chunked, cut in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello",
}


@pytest.mark.parametrize("request_line", [GET, GET_10])
@pytest.mark.parametrize("name", CUT)
async def test_an_incomplete_body_never_ends_cleanly(name: str, request_line: bytes) -> None:
    """The client sees a reset, or a body short of what was announced; never a proper end."""
    async with RecordingUpstream(answering(CUT[name])) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(request_line)
        with pytest.raises(ConnectionError):
            await wire.rest()


async def test_interim_answers_are_passed_on_and_are_not_the_end() -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\n\r\n" + OK
    async with RecordingUpstream(answering(answer)) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        assert await wire.until(b"\r\n\r\n") == b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
        assert (await wire.answer())[1] == b"ok"


async def test_an_http_1_0_client_gets_no_interim_answer() -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK
    async with RecordingUpstream(answering(answer)) as upstream, running_edge(upstream.rules()) as edge:
        assert status_of(await edge.once(GET_10)) == 200


async def test_expect_100_continue_goes_to_the_app_and_its_100_comes_back() -> None:
    async def careful(conversation: Conversation) -> None:
        seen = await conversation.head()
        assert seen.values(b"expect") == [b"100-continue"]
        await conversation.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await conversation.body(seen)
        await conversation.send(OK)
        await conversation.read(1)

    async with RecordingUpstream(careful) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
        assert await wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await wire.exchange(b"abc"))[1] == b"ok"
        assert upstream.seen[0].body == b"abc"


async def test_an_early_answer_reaches_a_client_that_is_still_sending() -> None:
    """And the rest of the body is no request: the connection ends."""

    async def hasty(conversation: Conversation) -> None:
        await conversation.head()
        await conversation.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")

    async with RecordingUpstream(hasty) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        head, body = await wire.exchange(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc")
        assert (status_of(head), body) == (413, b"big")
        assert b"Connection: close\r\n" in head
        await wire.send(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await wire.rest() == b""
        assert b"/smuggled" not in upstream.raw


async def test_a_body_and_its_answer_may_flow_at_the_same_time() -> None:
    async def echo(conversation: Conversation) -> None:
        await conversation.head()
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for _ in range(2):
            await conversation.send(await conversation.read(3))
        await conversation.read(1)

    async with RecordingUpstream(echo) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        await wire.until(b"\r\n\r\n")
        assert await wire.exactly(3) == b"abc"
        await wire.send(b"def")
        assert await wire.exactly(3) == b"def"


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart", "within an answer"),
        (b"hello\r\n\r\n", "no answer in HTTP"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "no answer in HTTP",
        ),
    ],
)
async def test_an_operator_is_told_what_is_wrong_with_answers_and_not_each_time(
    sent: bytes, why: str
) -> None:
    async def bad(conversation: Conversation) -> None:
        await conversation.request()
        if sent:
            await conversation.send(sent)

    async with RecordingUpstream(bad) as app, running_edge(app.rules()) as edge:
        for _ in range(3):
            with contextlib.suppress(ConnectionError):
                await edge.once(
                    b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                )
        ((name, reason, detail),) = edge.told
        assert (name, reason) == (app.rules().name, Reason.BAD_UPSTREAM_ANSWER)
        assert why in detail


async def test_an_operator_is_told_of_an_app_that_hangs() -> None:
    async def silent(conversation: Conversation) -> None:
        await conversation.request()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await conversation.request()

    async with (
        RecordingUpstream(silent) as app,
        running_edge(app.rules(first_byte_timeout=0.05)) as edge,
    ):
        await edge.once(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        ((_, reason, detail),) = edge.told
        assert (reason, detail) == (Reason.UPSTREAM_TIMEOUT, "it does not begin its answer in time")
