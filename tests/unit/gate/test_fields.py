"""Which fields cross, name by name and cookie by cookie."""

import pytest

from proxy.gate.fields import (
    AnswerFields,
    Cookies,
    FieldRules,
    RequestFields,
    fold,
    forwarding_lines,
    named_fields,
    sets_cookie,
)
from proxy.gate.headers import HeaderNames

RULES = FieldRules(identity=(*HeaderNames().all(), "Remote-User"), cookie="__Host-muster")
NAME = b"__Host-muster"
NOTHING: frozenset[bytes] = frozenset()
ALL_DROPPED = [
    "Host", "Content-Length", "Expect", "Connection", "Keep-Alive", "Proxy-Authorization", "TE", "Trailer", "Upgrade",
    "Transfer-Encoding", "Proxy-Connection", "HTTP2-Settings", "X-Forwarded-User", "x_forwarded_for", "Forwarded",
    "X-Real-IP", "Remote_User", "X-Muster-Peer", "Authorization", "Proxy", "X_Original_Host", "True-Client-IP",
]  # fmt: skip


@pytest.mark.parametrize(
    "name", [b"Remote-User", b"REMOTE_USER", b"remote.user", b"Remote~User", b"rEMOTE-uSER", b"remote|user"]
)
def test_every_spelling_folds_to_one(name: bytes) -> None:
    assert fold(name) == b"remote-user"


def test_fields_that_cross_keep_their_order_spelling_and_bytes() -> None:
    fields = [(b"User-Agent", b"x"), (b"aCCept", b""), (b"X-A", b"\xff"), (b"X-A", b"2")]
    assert RequestFields(RULES).lines(fields, NOTHING) == [
        b"User-Agent: x",
        b"aCCept: ",
        b"X-A: \xff",
        b"X-A: 2",
    ]


@pytest.mark.parametrize(
    "name",
    ALL_DROPPED,
)
def test_fields_that_are_ours_or_of_one_hop_do_not_cross(name: str) -> None:
    assert RequestFields(RULES).lines([(name.encode(), b"x"), (b"X-Plain", b"y")], NOTHING) == [b"X-Plain: y"]


def test_names_that_only_resemble_ours_cross() -> None:
    fields = [(b"Cook_ie", b"x"), (b"XForwarded", b"y"), (b"Remote-Users", b"z")]
    assert len(RequestFields(RULES).lines(fields, NOTHING)) == 3


def test_what_connection_names_does_not_cross_in_any_spelling() -> None:
    fields = [(b"X-Secret", b"1"), (b"X_Secret", b"2"), (b"X-Kept", b"3")]
    named = named_fields([b"close, X-Secret", b" keep-alive ,,"])
    assert named == {b"x-secret"}
    assert RequestFields(RULES).lines(fields, named) == [b"X-Kept: 3"]


def test_authorization_crosses_only_when_the_operator_says_so() -> None:
    field = [(b"Authorization", b"Bearer x")]
    passing = FieldRules(identity=(), cookie="m", passes_authorization=True)
    assert RequestFields(RULES).lines(field, NOTHING) == []
    assert RequestFields(passing).lines(field, NOTHING) == [b"Authorization: Bearer x"]


def test_own_pages_get_our_cookies_and_authorization_but_nothing_forged() -> None:
    fields = [
        (b"Cookie", b"__Host-muster=x; a=b"),
        (b"Authorization", b"Bearer x"),
        (b"X_Muster_Peer", b"evil"),
        (b"X-Forwarded-User", b"evil"),
        (b"Origin", b"https://evil"),
    ]
    kept = RequestFields(RULES).own_lines(fields, named_fields([b"origin"]))
    assert kept == [b"Cookie: __Host-muster=x; a=b", b"Authorization: Bearer x"]


def test_own_pages_get_only_fields_that_they_read_and_no_two_where_one_may_stand() -> None:
    """What nobody reads only gives the library under our pages something to stumble over."""
    fields = [
        (b"User-Agent", b"a"),
        (b"user-agent", b"b"),
        (b"Content-Type", b"text/plain"),
        (b"Content-Type", b"text/html"),
        (b"Content-Encoding", b"br"),
        (b"Sec-WebSocket-Key1", b"x"),
        (b"Accept", b"text/html"),
        (b"Accept", b"*/*"),
        (b"Cookie_", b"x"),
        (b"Max-Forwards", b"1"),
    ]
    kept = RequestFields(RULES).own_lines(fields, NOTHING)
    assert kept == [b"User-Agent: a", b"Content-Type: text/plain", b"Accept: text/html", b"Accept: */*"]


def test_thousands_of_names_do_not_fill_the_memory() -> None:
    sifter = RequestFields(RULES)
    for number in range(5000):
        sifter.lines([(b"X-%d" % number, b"")], NOTHING)
    assert len(sifter._verdicts) <= 1024
    assert sifter.lines([(b"X-Forwarded-User", b"x")], NOTHING) == []


@pytest.mark.parametrize(
    ("value", "ours", "rest"),
    [
        (b"__Host-muster=x", b"x", b""),
        (b"a=b; __Host-muster=x; c=d", b"x", b"a=b; c=d"),
        (b"__Host-muster=x; c=d", b"x", b"c=d"),
        (b"a=b;__Host-muster=x", b"x", b"a=b"),
        (b"a=b; __Host-muster = x ", b"x", b"a=b"),
        (b"__Host-muster=x; __Host-muster=x", b"x", b""),
        (b"__Host-muster=x; __Host-muster=y; a=b", b"", b"a=b"),
        (b"__Host-muster-a-00=q; __Host-muster=x", b"x", b""),
        (b"__Host-muster-a-00=q", None, b""),
        (b"__Host-muster", None, b""),
        (b"__Host-musterx=1; x__Host-muster=2", None, b"__Host-musterx=1; x__Host-muster=2"),
        (b"__host-muster=x", None, b"__host-muster=x"),
        (b"a=__Host-muster=x", None, b"a=__Host-muster=x"),
        (b'a="q;w" ;  b', None, b'a="q;w" ;  b'),
        (b"__Host-muster=", b"", b""),
        (b"__Host-muster==x", b"=x", b""),
        (b"", None, b""),
        (b";;;", None, b";;;"),
    ],
)
def test_only_our_pairs_are_taken_out_of_a_cookie(value: bytes, ours: bytes | None, rest: bytes) -> None:
    cookies = Cookies(NAME)
    for _ in range(2):
        assert cookies.ours([value]) == ours
        assert cookies.rest(value) == rest


def test_our_cookie_in_two_fields_counts_only_when_they_agree() -> None:
    cookies = Cookies(NAME)
    assert cookies.ours([b"__Host-muster=x", b"a=b; __Host-muster=x"]) == b"x"
    assert cookies.ours([b"__Host-muster=x", b"__Host-muster=y"]) == b""


def test_long_names_are_judged_and_not_remembered() -> None:
    """A name may be as long as a head, and anybody may send a thousand of them."""
    request, answer = RequestFields(RULES), AnswerFields("__Host-muster")
    for number in range(3000):
        request.lines([(b"x%d" % number, b"")], NOTHING)
        answer.sift([(b"x%d" % number, b"")])
    long = b"X-Forwarded-" + b"x" * 30_000
    assert request.lines([(long, b"root")], NOTHING) == []
    assert answer.sift([(b"x" * 30_000, b"y")])[0] == [b"x" * 30_000 + b": y"]
    for verdicts in (request._verdicts, answer._verdicts):
        assert len(verdicts) <= 1024
        assert max(map(len, verdicts)) <= 64


def test_thousands_of_cookies_do_not_fill_the_memory() -> None:
    cookies = Cookies(NAME)
    for number in range(5000):
        cookies.rest(b"a=%d" % number)
    cookies.rest(b"a" * 100_000)
    assert len(cookies._known) <= 2048
    assert max(map(len, cookies._known)) <= 2048


@pytest.mark.parametrize(
    ("value", "is_ours"),
    [
        (b"__Host-muster=x; Path=/", True),
        (b"__HOST-MUSTER=x", True),
        (b"  __Host-muster =x", True),
        (b"=__Host-muster=x", True),
        (b" = __Host-muster=x", True),
        (b"__Host-muster", True),
        (b"__Host-muster-a-0123=x", True),
        (b"__Host-musterx=x", False),
        (b"a=__Host-muster=x", False),
        (b"a=b; __Host-muster=x", False),
        (b"", False),
    ],
)
def test_whatever_a_browser_would_send_back_as_our_cookie_is_ours(value: bytes, is_ours: bool) -> None:
    assert sets_cookie(value, NAME.lower()) is is_ours


def test_an_answer_is_sifted_and_its_framing_fields_set_aside() -> None:
    fields = [
        (b"Content-Type", b"text/plain"),
        (b"Content-Length", b"5 "),
        (b"Connection", b"keep-alive"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Set-Cookie", b"__Host-muster=x"),
        (b"Set-Cookie", b"a=b"),
    ]
    assert AnswerFields("__Host-muster").sift(fields) == (
        [b"Content-Type: text/plain", b"Set-Cookie: a=b"],
        b"5",
        None,
        False,
    )
    assert AnswerFields(None).sift(fields)[0][1] == b"Set-Cookie: __Host-muster=x"


def test_an_answers_connection_names_fields_away_but_never_its_framing() -> None:
    fields = [
        (b"X-Before", b"1"),
        (b"Connection", b"X-Before, X-After, Content-Length"),
        (b"Content-Length", b"5"),
        (b"X-After", b"2"),
        (b"X-Kept", b"3"),
    ]
    assert AnswerFields("m").sift(fields) == ([b"X-Kept: 3"], b"5", None, False)


def test_several_framing_values_are_joined_into_an_invalid_one() -> None:
    assert AnswerFields("m").sift([(b"Content-Length", b"5"), (b"content-length", b"6")])[1] == b"5, 6"
    assert (
        AnswerFields("m").sift([(b"Transfer-Encoding", b"gzip"), (b"Transfer-Encoding", b"chunked")])[2]
        == b"gzip, chunked"
    )


def test_forwarding_lines_of_a_plain_client() -> None:
    assert forwarding_lines("192.0.2.1", "https", b"app.example:8443") == (
        b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example:8443\r\n"
        b'Forwarded: for=192.0.2.1;host="app.example:8443";proto=https\r\n'
    )


def test_an_ipv6_address_is_quoted_and_an_absent_host_left_out() -> None:
    assert forwarding_lines("2001:db8::1", "http", None) == (
        b"X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: http\r\n"
        b'Forwarded: for="[2001:db8::1]";proto=http\r\n'
    )


def test_an_earlier_hop_is_kept_in_front_when_it_is_trusted() -> None:
    assert forwarding_lines("192.0.2.1", "http", None, earlier=b"198.51.100.7").startswith(
        b"X-Forwarded-For: 198.51.100.7, 192.0.2.1\r\n"
    )


def test_forwarded_names_the_client_first_as_x_forwarded_for_does() -> None:
    lines = forwarding_lines("192.0.2.1", "https", b"a.example", earlier=b"2001:db8::7, 198.51.100.7")
    assert lines.endswith(
        b'Forwarded: for="[2001:db8::7]";host="a.example";proto=https, for=198.51.100.7, for=192.0.2.1\r\n'
    )


def test_a_peer_without_an_address_is_unknown() -> None:
    lines = forwarding_lines("unix", "https", None, earlier=b"192.0.2.1")
    assert lines.startswith(b"X-Forwarded-For: 192.0.2.1, unknown\r\n")
    assert lines.endswith(b"Forwarded: for=192.0.2.1;proto=https, for=unknown\r\n")


def test_our_own_pages_do_not_say_what_they_run_on_and_the_app_may() -> None:
    fields = [(b"Server", b"Python/3.11 aiohttp"), (b"X-Other", b"1")]
    assert AnswerFields(None).sift(fields)[0] == [b"X-Other: 1"]
    assert AnswerFields("__Host-muster").sift(fields)[0] == [b"Server: Python/3.11 aiohttp", b"X-Other: 1"]
