"""Everybody is sent to the public address, with their path and query, and nowhere else."""

import pytest

from proxy.edge.ports import Answer
from proxy.edge.redirect import Elsewhere, Redirects
from proxy.gate.decision import Deny, Kind, Request
from proxy.reasons import Reason

GATE = Elsewhere()
ANSWERS = Redirects("https://app.example.com")


def request(target: bytes) -> Request:
    return Request(
        method=b"POST",
        target=target,
        path=target.partition(b"?")[0],
        headers=[(b"Host", b"evil.example"), (b"Cookie", b"__Host-muster=x")],
        names=[b"host", b"cookie"],
        host=b"evil.example",
        cookie=b"x",
        peer="192.0.2.1",
        scheme="http",
    )


def answered(target: bytes) -> Answer:
    asked = request(target)
    verdict = GATE.decide_now(asked)
    assert isinstance(verdict, Deny)
    return ANSWERS.answer(verdict, asked)


@pytest.mark.parametrize(
    ("target", "location"),
    [
        (b"/", b"/"),
        (b"/a%20b?q=%2F&r", b"/a%20b?q=%2F&r"),
        (b"//evil.example/x", b"//evil.example/x"),
        (b"/_muster/callback?code=1", b"/_muster/callback?code=1"),
        (b"*", b"/"),
        (b"@evil.example/", b"/"),
    ],
)
def test_the_way_leads_to_the_public_origin_whatever_was_asked(target: bytes, location: bytes) -> None:
    answer = answered(target)
    fields = dict(answer.headers)
    assert answer.status == 308
    assert fields[b"Location"] == b"https://app.example.com" + location
    assert b"Set-Cookie" not in fields


async def test_waiting_longer_changes_nothing() -> None:
    assert await GATE.decide(request(b"/")) is GATE.decide_now(request(b"/"))


def test_what_is_no_request_is_not_sent_anywhere() -> None:
    broken = Deny(status=400, reason=Reason.BAD_REQUEST, kind=Kind.SCRIPT)
    answer = ANSWERS.answer(broken, None)
    assert answer.status == 400
    assert b"Location" not in dict(answer.headers)
