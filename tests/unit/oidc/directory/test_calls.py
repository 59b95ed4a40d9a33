"""Judging an answer, row by row; the server's behaviour is in tests/conformance/directory."""

import json
from typing import Any

import pytest

from proxy.oidc.directory.calls import MOST_QUIET, Calls, Missing, Page, judge, unreadable, vendor_code
from proxy.oidc.directory.proof import StandingToken
from proxy.oidc.transport import Answer, Transport, open_session
from proxy.provisioning.directory import Cause, Unknown
from tests.fakes.idp import NOW, FakeIdp, Reply, rules_for

URL = "https://api.example.com/users"


def answer(status: int, body: Any = b"", **changed: Any) -> Answer:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, content_type="application/json", body=octets, **changed)


@pytest.mark.parametrize("body", [{"a": 1}, {}, [], [1]])
def test_json_is_a_page(body: Any) -> None:
    assert judge(answer(200, body), URL) == Page(document=body)


@pytest.mark.parametrize(
    ("status", "body", "detail", "cause"),
    [
        (400, {"error": "bad"}, "http_400 bad", Cause.MISCONFIGURED),
        (401, b"", "http_401", Cause.MISCONFIGURED),
        (403, {"errorCode": "E0000006"}, "http_403 E0000006", Cause.MISCONFIGURED),
        (410, b"", "http_410", Cause.MISCONFIGURED),
        (301, b"", "http_301", Cause.MISCONFIGURED),
        (206, {"id": "x"}, "http_206", Cause.MISCONFIGURED),
        (
            403,
            {"error": {"errors": [{"reason": "rateLimitExceeded"}]}},
            "http_403 rateLimitExceeded",
            Cause.TROUBLE,
        ),
        (408, b"", "http_408", Cause.TROUBLE),
        (429, b"", "http_429", Cause.TROUBLE),
        (500, b"", "http_500", Cause.TROUBLE),
        (503, b"", "http_503", Cause.TROUBLE),
        (200, b"", "not_json", Cause.TROUBLE),
        (200, b"null", "not_json", Cause.TROUBLE),
        (200, b"12", "not_json", Cause.TROUBLE),
    ],
)
def test_every_other_row(status: int, body: Any, detail: str, cause: Cause) -> None:
    assert judge(answer(status, body), URL) == Unknown(detail=detail, cause=cause)


def test_a_404_is_for_the_caller_to_judge() -> None:
    assert judge(answer(404, {"error": {"code": "X"}}), URL) == Missing(code="http_404 X")


@pytest.mark.parametrize(
    "next_url",
    [
        "http://api.example.com/users",
        "https://api.example.com:444/",
        "https://evil.example.com/",
        "/users",
        "",
    ],
)
def test_a_next_page_on_another_origin_is_not_followed(next_url: str) -> None:
    judged = judge(answer(200, [], next_url=next_url), URL)
    assert judged == Unknown(detail="next_page_elsewhere", cause=Cause.MISCONFIGURED)


def test_a_next_page_on_the_same_origin_is() -> None:
    next_url = "https://api.example.com/users?after=1"
    assert judge(answer(200, [], next_url=next_url), URL) == Page(document=[], next_url=next_url)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"error": {"code": "A", "errors": [{"reason": "b"}]}}, "b"),
        ({"error": {"code": "A"}}, "A"),
        ({"error": {"code": "A", "errors": []}}, "A"),
        ({"error": {"code": "A", "errors": ["x"]}}, "A"),
        ({"errorCode": "E1"}, "E1"),
        ({"error": "plain"}, "plain"),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_code_is_found_where_each_product_puts_it(document: object, code: object) -> None:
    assert vendor_code(document) == code


def test_a_list_with_other_things_in_it_is_none() -> None:
    assert Page(document=[{"a": 1}, 2]).items() is None
    assert Page(document={"value": [{}]}).items("value") == [{}]
    assert Page(document={"value": {}}).items("value") is None
    assert Page(document=[]).items("value") is None
    assert Page(document={}).items() is None
    assert Page(document=[]).member("id") is None


async def test_a_very_long_wait_is_not_kept_for_ever(idp: FakeIdp) -> None:
    now = [NOW]
    idp.alter["userinfo"] = lambda _: Reply({}, status=429, headers={"Retry-After": "86400"})
    async with open_session() as http:
        token = StandingToken("SSWS", lambda: "t")
        calls = Calls(Transport(rules_for(idp), http), token, clock=lambda: now[0])
        for at, asked in ((0.0, 1), (MOST_QUIET - 1, 1), (MOST_QUIET, 2), (-10.0, 3)):
            now[0] = NOW + at
            assert isinstance(await calls.read(f"{idp.issuer}/userinfo"), Unknown)
            assert idp.requests["userinfo"] == asked


async def test_whether_a_list_shows_anything(idp: FakeIdp) -> None:
    async with open_session() as http:
        calls = Calls(Transport(rules_for(idp), http), StandingToken("SSWS", lambda: "t"), clock=lambda: NOW)
        for reply, shows in (
            (Reply([{}]), True),
            (Reply([]), False),
            (Reply({}, status=404), False),
            (Reply({"value": []}), unreadable()),
            (Reply(b"", status=500), Unknown(detail="http_500")),
        ):
            idp.alter["userinfo"] = lambda _, reply=reply: reply  # type: ignore[misc]  # bound in this turn
            assert await calls.shows_any(f"{idp.issuer}/userinfo") == shows
