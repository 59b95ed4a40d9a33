"""The table of `head.judge`, row by row."""

from dataclasses import dataclass, field

import pytest

from proxy.edge.head import CHUNKED, FieldsReader, Head, HeadRules, LastHop, Parts, Rejection, judge, visits
from proxy.gate.fields import Cookies, Field
from proxy.reasons import Reason

HOST: Field = (b"Host", b"App.example:8080")
RULES = HeadRules(FieldsReader(Cookies(b"muster"), b"muster"), "https", 1000)


@dataclass
class Case:
    """A head that passes, but for what the test changes."""

    method: bytes = b"GET"
    version: str = "1.1"
    target: bytes = b"/a?b"
    headers: list[Field] = field(default_factory=lambda: [HOST])
    is_upgrade: bool = False

    def judged(self) -> Head | LastHop | Rejection:
        parts = Parts(self.method, self.version, self.target, self.headers, self.is_upgrade)
        return judge(parts, "192.0.2.1", RULES)

    def passed(self) -> Head:
        head = self.judged()
        assert isinstance(head, Head)
        return head


def test_a_plain_head_passes_and_is_taken_apart() -> None:
    head = Case(headers=[HOST, (b"Cookie", b"muster=v; a=b"), (b"X-Y", b"z")]).passed()
    request = head.request
    assert (request.method, request.target, request.path) == (b"GET", b"/a?b", b"/a")
    assert (request.host, request.cookie) == (b"app.example:8080", b"v")
    assert (request.peer, request.scheme) == ("192.0.2.1", "https")
    assert request.names == [b"host", b"cookie", b"x-y"]
    assert request.header(b"x-y") == b"z"
    assert (head.length, head.fields.named, head.is_expecting) == (0, frozenset(), False)


def _with(*fields: Field) -> list[Field]:
    return [HOST, *fields]


REJECTED = {
    "version 2.0": (Case(version="2.0"), 505),
    "version 0.9": (Case(version="0.9"), 505),
    "CONNECT": (Case(method=b"CONNECT"), 501),
    "TRACE": (Case(method=b"TRACE"), 501),
    "unknown method": (Case(method=b"SOURCE"), 501),
    "fragment": (Case(target=b"/a#b"), 400),
    "control": (Case(target=b"/a\x01"), 400),
    "no Host": (Case(headers=[]), 400),
    "two equal Hosts": (Case(headers=[HOST, HOST]), 400),
    "bad Host": (Case(headers=[(b"Host", b"a b")]), 400),
    "Host with a port too long": (Case(headers=[(b"Host", b"a:123456")]), 400),
    "empty Host": (Case(headers=[(b"Host", b"")]), 400),
    "absolute form without Host in 1.1": (Case(target=b"http://a/", headers=[]), 400),
    "absolute form with two Hosts": (Case(target=b"http://a/", headers=_with((b"Host", b"a"))), 400),
    "absolute form with an invalid Host": (Case(target=b"http://a/", headers=[(b"Host", b"a b")]), 400),
    "absolute form of an invalid host": (Case(target=b"http://a,b/"), 400),
    "absolute form with a port too long": (Case(target=b"http://a:123456/"), 400),
    "CL and TE": (Case(headers=_with((b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked"))), 400),
    "TE in 1.0": (Case(version="1.0", headers=_with((b"Transfer-Encoding", b"chunked"))), 400),
    "TE list": (Case(headers=_with((b"Transfer-Encoding", b"gzip, chunked"))), 400),
    "TE twice": (
        Case(headers=_with((b"Transfer-Encoding", b"chunked"), (b"transfer-encoding", b"chunked"))),
        400,
    ),
    "CL twice": (Case(headers=_with((b"Content-Length", b"1"), (b"content-length", b"1"))), 400),
    "CL list": (Case(headers=_with((b"Content-Length", b"1, 1"))), 400),
    "CL of another script": (Case(headers=_with((b"Content-Length", "١".encode()))), 400),
    "CL beyond the limit": (Case(headers=_with((b"Content-Length", b"1001"))), 413),
    "upgrade with a body": (Case(headers=_with((b"Content-Length", b"1")), is_upgrade=True), 400),
    "upgrade with chunks": (Case(headers=_with((b"Transfer-Encoding", b"chunked")), is_upgrade=True), 400),
    "unknown expectation": (Case(headers=_with((b"Expect", b"x"))), 417),
    "two expectations": (
        Case(headers=_with((b"Expect", b"100-continue"), (b"Expect", b"100-continue"))),
        417,
    ),
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_the_table_refuses_is_refused(name: str) -> None:
    case, status = REJECTED[name]
    rejection = case.judged()
    assert isinstance(rejection, Rejection)
    assert (rejection.status, rejection.reason) == (status, Reason.BAD_REQUEST)


def test_another_spelling_of_an_own_path_has_its_own_reason() -> None:
    rejection = Case(target=b"/%5fmuster/x?y").judged()
    assert rejection == Rejection(400, Reason.AMBIGUOUS_PATH, "path")


def test_length_is_decided_once() -> None:
    assert Case(headers=_with((b"Content-Length", b"0010 "))).passed().length == 10
    assert Case(headers=_with((b"Content-Length", b"1000"))).passed().length == 1000
    assert Case(headers=_with((b"Transfer-Encoding", b" Chunked\t"))).passed().length == CHUNKED
    assert Case(headers=_with((b"Content-Length", b"0")), is_upgrade=True).passed().length == 0


def test_no_host_is_needed_in_1_0_only() -> None:
    assert Case(version="1.0", headers=[]).passed().request.host is None
    assert Case(version="1.0").passed().request.host == b"app.example:8080"


@pytest.mark.parametrize("host", [b"a", b"a-b.c_d:1", b"192.0.2.1:80", b"[::1]", b"[2001:db8::1]:443"])
def test_hosts_that_pass(host: bytes) -> None:
    assert Case(headers=[(b"hOST", host)]).passed().request.host == host


@pytest.mark.parametrize(
    "host", [b"a/b", b"a?b", b"a#b", b"u@a", b"a,b", b"[::1", b"a:b", b"a:", b"[x]", b"\xc3\xa9", b"a\\b"]
)
def test_hosts_that_do_not(host: bytes) -> None:
    assert isinstance(Case(headers=[(b"Host", host)]).judged(), Rejection)


def test_absolute_form_becomes_origin_form() -> None:
    request = Case(target=b"http://APP.example:8080/x?y").passed().request
    assert (request.target, request.path) == (b"/x?y", b"/x")


def test_an_expectation_counts_only_in_1_1_with_a_body() -> None:
    expect = (b"Expect", b"100-Continue")
    assert Case(headers=_with(expect, (b"Content-Length", b"1"))).passed().is_expecting
    assert not Case(headers=_with(expect)).passed().is_expecting
    assert not Case(version="1.0", headers=_with(expect, (b"Content-Length", b"1"))).passed().is_expecting


def test_connection_names_are_collected_from_all_its_fields() -> None:
    head = Case(headers=_with((b"Connection", b"close, X_A"), (b"connection", b"x-b"))).passed()
    assert head.fields.named == {b"x-a", b"x-b"}


def test_thousands_of_hosts_do_not_fill_the_memory() -> None:
    from proxy.edge import head

    for number in range(3000):
        Case(headers=[(b"Host", b"h%d" % number)]).passed()
    for number in range(3):
        assert Case(headers=[(b"Host", b"h" * 30_000 + b"%d" % number)]).judged() == head.bad("invalid Host")
    assert len(head._HOSTS) <= 1024
    assert max(map(len, head._HOSTS)) <= 261


def test_fields_seen_before_are_read_the_same_and_thousands_do_not_fill_the_memory() -> None:
    reader = FieldsReader(Cookies(b"muster"))
    first = reader.read([HOST, (b"Cookie", b"muster=v")])
    assert reader.read([HOST, (b"Cookie", b"muster=v")]) is first
    other = reader.read([HOST, (b"Cookie", b"muster=w")])
    assert (first.cookie, other.cookie) == (b"v", b"w")
    for number in range(2000):
        reader.read([HOST, (b"X", b"%d" % number)])
    reader.read([HOST, (b"X", b"y" * 100_000)])
    assert len(reader._known) <= 512
    assert max(len(value) for key in reader._known for _, value in key) <= 4096


@pytest.mark.parametrize(
    ("via", "times"),
    [
        ([], 0),
        ([b"1.1 muster"], 1),
        ([b"1.1 other, HTTP/1.1  muster (a comment)", b"1.0 muster"], 2),
        ([b"1.1 muster.example, muster, 1.1"], 0),
    ],
)
def test_our_visits_are_counted_by_what_others_received_from(via: list[bytes], times: int) -> None:
    assert visits(via, b"muster") == times
    assert visits(via, None) == 0


def test_an_options_that_goes_no_further_is_ours_and_another_has_one_hop_less() -> None:
    asking = [HOST, (b"max-Forwards", b"0"), (b"X", b"y")]
    assert Case(method=b"OPTIONS", target=b"*", headers=asking).judged() == LastHop()
    asking[1] = (b"max-Forwards", b"10")
    head = Case(method=b"OPTIONS", headers=asking).passed()
    assert head.request.headers == head.fields.headers == [HOST, (b"max-Forwards", b"9"), (b"X", b"y")]
    assert head.request.host == b"app.example:8080"
    assert Case(headers=asking).passed().request.headers == asking


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_authority_of_an_absolute_target_goes_before_host(version: str) -> None:
    request = Case(version=version, target=b"http://Other.example:81/a?b").passed().request
    assert (request.host, request.target, request.path) == (b"other.example:81", b"/a?b", b"/a")


def test_an_absolute_target_names_the_host_where_1_0_has_none() -> None:
    assert Case(version="1.0", target=b"http://a/", headers=[]).passed().request.host == b"a"
