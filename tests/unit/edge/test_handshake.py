"""Which request is a whole WebSocket handshake, which answer agrees to it, and which page may open one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.handshake import WebSocketRules, handshake_key, is_agreed, may_open

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
"""The key of RFC 6455 §1.3, and its proof."""

PROOF = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
WHOLE = {b"upgrade": [b"websocket"], b"sec-websocket-key": [KEY], b"sec-websocket-version": [b"13"]}
AGREED = [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Accept", PROOF)]


def test_a_whole_handshake_gives_its_key() -> None:
    assert handshake_key(b"GET", "1.1", WHOLE) == KEY
    assert handshake_key(b"GET", "1.1", {**WHOLE, b"upgrade": [b"WebSocket"]}) == KEY


@pytest.mark.parametrize(
    ("method", "version", "changed"),
    [
        (b"POST", "1.1", {}),
        (b"GET", "1.0", {}),
        (b"GET", "1.1", {b"upgrade": [b"h2c"]}),
        (b"GET", "1.1", {b"upgrade": [b"websocket, h2c"]}),
        (b"GET", "1.1", {b"upgrade": [b"websocket", b"websocket"]}),
        (b"GET", "1.1", {b"sec-websocket-version": [b"8"]}),
        (b"GET", "1.1", {b"sec-websocket-version": [b"13", b"13"]}),
        (b"GET", "1.1", {b"sec-websocket-key": []}),
        (b"GET", "1.1", {b"sec-websocket-key": [KEY, KEY]}),
        (b"GET", "1.1", {b"sec-websocket-key": [b"c2hvcnQ="]}),
        (b"GET", "1.1", {b"sec-websocket-key": [b"not base64 at all!!!!!!!"]}),
    ],
)
def test_whatever_is_no_whole_handshake_is_an_ordinary_request(
    method: bytes, version: str, changed: dict[bytes, list[bytes]]
) -> None:
    assert handshake_key(method, version, {**WHOLE, **changed}) is None


def test_the_answer_of_the_rfc_agrees() -> None:
    assert is_agreed(KEY, AGREED)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        AGREED[:2],
        [(b"Upgrade", b"h2c"), *AGREED[1:]],
        [*AGREED[:2], (b"Sec-WebSocket-Accept", KEY)],
        [*AGREED, (b"Sec-WebSocket-Accept", PROOF)],
        [*AGREED, (b"Content-Length", b"3")],
        [*AGREED, (b"Transfer-Encoding", b"chunked")],
    ],
)
def test_an_answer_that_proves_nothing_does_not_agree(headers: list[tuple[bytes, bytes]]) -> None:
    assert not is_agreed(KEY, headers)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_an_answer_agrees_to_one_key_only(one: bytes, other: bytes) -> None:
    assert is_agreed(KEY, AGREED)
    keys = {base64.b64encode(one), base64.b64encode(other)} - {KEY}
    assert not any(is_agreed(key, AGREED) for key in keys)


OWN, HOST = b"https://app.example.com", b"app.example.com"
LISTED = WebSocketRules(origins=frozenset({b"https://tools.example.com"}))


@pytest.mark.parametrize(
    ("origins", "host", "rules", "may"),
    [
        ([], HOST, WebSocketRules(), True),
        ([OWN], HOST, WebSocketRules(), True),
        ([b"HTTPS://App.Example.com"], HOST, WebSocketRules(), True),
        ([b"https://app.example.com"], b"app.example.com:443", WebSocketRules(), True),
        ([b"https://app.example.com:8443"], b"app.example.com:8443", WebSocketRules(), True),
        ([b"https://app.example.com:8443"], HOST, WebSocketRules(), False),
        ([b"http://app.example.com"], HOST, WebSocketRules(), False),
        ([b"https://evil.example.net"], HOST, WebSocketRules(), False),
        ([b"https://app.example.com.evil.net"], HOST, WebSocketRules(), False),
        ([b"null"], HOST, WebSocketRules(), False),
        ([OWN, OWN], HOST, WebSocketRules(), False),
        ([OWN], None, WebSocketRules(), False),
        ([b"https://tools.example.com"], HOST, LISTED, True),
        ([b"https://tools.example.com."], HOST, LISTED, False),
        ([b"https://evil.example.net"], HOST, WebSocketRules(origins=frozenset({b"*"})), True),
    ],
)
def test_only_our_own_pages_and_listed_ones_may_open_a_websocket(
    origins: list[bytes], host: bytes | None, rules: WebSocketRules, may: bool
) -> None:
    assert may_open(origins, host, "https", rules) is may
