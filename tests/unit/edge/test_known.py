"""What is remembered of heads, what never is, and that a memory changes nothing but the cost."""

import pytest

from proxy.edge.answer import CHUNKED, LENGTH
from proxy.edge.head import FieldsReader, Head, HeadRules, Parts, judge
from proxy.edge.known import KEPT, LONGEST, SELDOM, AnswerHead, KnownAnswers, KnownRequests
from proxy.gate.fields import Cookies, Field
from tests.fakes.still import StillEdge

HOST: Field = (b"Host", b"A")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\n"
ANSWER = AnswerHead(200, (LENGTH, b"Content-Length: 2\r\n", False), b"HTTP/1.1 200 OK\r\n", 2)


def passed(target: bytes = b"/a", *more: Field, method: bytes = b"GET") -> Head:
    rules = HeadRules(FieldsReader(Cookies(b"muster")), "https")
    head = judge(Parts(method, "1.1", target, [HOST, *more]), "192.0.2.1", rules)
    assert isinstance(head, Head)
    return head


def raw(target: bytes = b"/a", *more: Field, method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    fields = b"".join(b"%b: %b\r\n" % each for each in (HOST, *more))
    return b"%b %b %b\r\n%b\r\n" % (method, target, version, fields)


def memory() -> KnownRequests:
    return KnownRequests("https", 1000)


def test_a_head_is_found_again_by_its_bytes_and_by_no_others() -> None:
    known = memory()
    known.note(raw(), passed())
    head = known.find(raw(), "192.0.2.9")
    assert head is not None
    request = head.request
    assert (request.method, request.target, request.path) == (b"GET", b"/a", b"/a")
    assert (request.host, request.peer, request.scheme) == (b"a", "192.0.2.9", "https")
    assert (request.headers, request.names) == ([HOST], [b"host"])
    assert (head.length, head.is_expecting) == (0, False)
    for at in range(len(raw())):
        assert known.find(raw()[:at] + b"#" + raw()[at + 1 :], "192.0.2.9") is None


def test_a_line_and_a_block_that_came_apart_are_known_together() -> None:
    known = memory()
    other: Field = (b"Cookie", b"muster=v")
    known.note(raw(b"/a"), passed(b"/a"))
    known.note(raw(b"/b", other), passed(b"/b", other))
    head = known.find(raw(b"/a", other), "::1")
    assert head is not None
    assert (head.request.target, head.request.cookie) == (b"/a", b"v")


@pytest.mark.parametrize(
    ("data", "head"),
    [
        (raw(b"/a?code=s3cret"), passed(b"/a?code=s3cret")),
        (raw(method=b"HEAD"), passed(method=b"HEAD")),
        (raw(version=b"HTTP/1.0"), passed()),
        (b"\r\n" + raw(), passed()),
        (raw(b"/a", (b"Content-Length", b"3")), passed(b"/a", (b"Content-Length", b"3"))),
        (raw() + b"x", passed()),
        (raw(b"/a", (b"X", b"x" * LONGEST)), passed(b"/a", (b"X", b"x" * LONGEST))),
    ],
)
def test_what_is_not_simple_is_not_remembered(data: bytes, head: Head) -> None:
    known = memory()
    known.note(data, head)
    assert known.find(data, "::1") is None


def test_line_and_block_together_may_not_exceed_the_limit_of_a_head() -> None:
    known = memory()
    long: Field = (b"X", b"x" * 900)
    known.note(raw(b"/" + b"a" * 90), passed(b"/" + b"a" * 90))
    known.note(raw(b"/a", long), passed(b"/a", long))
    assert known.find(raw(b"/a", long), "::1") is not None
    assert known.find(raw(b"/" + b"a" * 90, long), "::1") is None


def test_a_memory_is_bounded() -> None:
    known = memory()
    for number in range(20 * KEPT):
        known.note(raw(b"/%d" % number), passed(b"/%d" % number))
    found = sum(known.find(raw(b"/%d" % number), "::1") is not None for number in range(20 * KEPT))
    assert 0 < found <= KEPT


def test_a_memory_that_finds_nothing_again_notes_seldom_until_it_does() -> None:
    known = KnownAnswers()
    worth = [known.is_worth_noting() for _ in range(KEPT + 4 * SELDOM)]
    assert worth.count(True) == KEPT + 4
    known.note(OK, ANSWER)
    assert known.find(OK + b"ok") == (ANSWER, b"ok")
    assert known.is_worth_noting()


@pytest.mark.parametrize("body", [b"", b"o", b"okk", b"ok" + OK])
def test_a_known_answer_is_exactly_as_long_as_it_says(body: bytes) -> None:
    known = KnownAnswers()
    known.note(OK, ANSWER)
    assert known.find(OK + body) is None


def test_answers_that_set_a_cookie_or_have_no_length_are_not_remembered() -> None:
    known = KnownAnswers()
    cookie = OK.replace(b"X:", b"SET-Cookie:")
    known.note(cookie, ANSWER)
    known.note(OK, ANSWER._replace(framing=(CHUNKED, b"", False)))
    known.note(OK + b"\r\n\r\n", ANSWER)
    assert known.find(cookie + b"ok") is known.find(OK + b"ok") is known.find(OK + b"\r\n\r\nok") is None


def test_with_a_memory_the_second_exchange_is_as_the_first() -> None:
    edge = StillEdge()
    for _ in range(3):
        edge.send(raw(b"/a", (b"Accept", b"*/*")))
        edge.answer(OK + b"ok")
    third = len(edge.got) // 3
    assert edge.got == edge.got[:third] * 3
    (only,) = edge.pool.made
    sent = bytes(only[1].written)
    assert sent == sent[: len(sent) // 3] * 3
    assert edge.access.lines == [edge.access.lines[0]] * 3


@pytest.mark.parametrize(
    ("request_line", "fields", "status"),
    [(b"HEAD /a HTTP/1.1", b"", b"200"), (b"GET /a HTTP/1.0", b"Connection: keep-alive\r\n", b"200")],
)
def test_a_known_answer_keeps_its_meaning_for_another_request(
    request_line: bytes, fields: bytes, status: bytes
) -> None:
    edge = StillEdge()
    edge.send(raw())
    edge.answer(OK + b"ok")
    before = len(edge.got)
    edge.send(request_line + b"\r\nHost: A\r\n" + fields + b"\r\n")
    edge.answer(OK + (b"" if request_line.startswith(b"HEAD") else b"ok"))
    head, _, body = edge.got[before:].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert body == (b"" if request_line.startswith(b"HEAD") else b"ok")
    assert (b"keep-alive" in head) is bool(fields)


def test_a_known_head_in_the_middle_of_another_message_is_not_taken_for_one() -> None:
    edge = StillEdge()
    edge.send(raw())
    edge.answer(OK + b"ok")
    edge.send(b"\r\n", raw())
    edge.answer(OK + b"ok")
    edge.send(b"POST /a HTTP/1.1\r\nHost: A\r\nContent-Length: %d\r\n\r\n" % len(raw()), raw())
    edge.answer(OK + b"ok")
    assert [request.method for request in edge.gate.requests] == [b"GET", b"GET", b"POST"]


def test_bytes_after_a_known_answer_close_the_apps_connection() -> None:
    edge = StillEdge()
    for more in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"):
        edge.send(raw())
        edge.answer(OK + b"ok" + more)
    assert b"evil" not in edge.got
    assert edge.pool.made[0][1].is_aborted
