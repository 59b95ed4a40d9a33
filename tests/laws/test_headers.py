"""Two laws of the gate's fields: no client can forge an identity header, and nothing hop-by-hop crosses."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.gate.fields import (
    HOP_BY_HOP,
    AnswerFields,
    Cookies,
    Field,
    FieldRules,
    RequestFields,
    named_fields,
)
from proxy.gate.headers import HeaderNames, IdentityHeaders, encoded, render_block
from proxy.login import UserEncoding
from tests.fakes.still import StillEdge, strict_requests

NAMES = HeaderNames()


def fold(name: bytes) -> bytes:
    """What a CGI or WSGI server makes of a name, written without the code under test."""
    return re.sub(rb"[^a-z0-9]", b"-", name.lower())


RULES = FieldRules(identity=NAMES.all(), cookie="__Host-muster")
OURS = {fold(name.encode()) for name in NAMES.all()}

TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
tokens = st.lists(st.sampled_from(TOKEN), min_size=1, max_size=12).map(bytes)


@st.composite
def respelled(draw: st.DrawFn) -> bytes:
    """A name that matters, in any case, with any other punctuation."""
    name = draw(
        st.sampled_from(
            [*NAMES.all(), "Connection", "TE", "Upgrade", "X-Muster-Peer", "Forwarded", "X-Forwarded-For"]
        )
    )
    marks = st.sampled_from("-_.~|+*")
    return "".join(
        draw(marks) if c == "-" else draw(st.sampled_from((c.lower(), c.upper()))) for c in name
    ).encode()


values = st.binary(max_size=12).map(
    lambda raw: bytes(b for b in raw if b in (9,) or b > 31).replace(b"\x7f", b"")
)
fields = st.lists(st.tuples(tokens | respelled(), values), max_size=8)


@given(fields, st.lists(tokens | respelled(), max_size=3))
def test_no_client_field_reads_as_one_of_ours_and_nothing_hop_by_hop_crosses(
    sent: list[Field], names: list[bytes]
) -> None:
    named = named_fields([b", ".join(names)])
    for line in RequestFields(RULES).lines(sent, named):
        name = fold(line.partition(b": ")[0])
        assert name not in OURS
        assert name not in HOP_BY_HOP
        assert name not in named
        assert not name.startswith((b"x-forwarded-", b"x-muster-"))


@given(fields)
def test_nothing_hop_by_hop_comes_back(sent: list[Field]) -> None:
    connection = [value for name, value in sent if name.lower() == b"connection"]
    named = named_fields(connection)
    lines, *_ = AnswerFields("__Host-muster").sift(sent)
    for line in lines:
        name = line.partition(b": ")[0]
        assert name.lower() not in HOP_BY_HOP
        assert fold(name) not in named


@given(fields)
@example([(b"Connection", b"X-Forwarded-User, Host"), (b"X_Forwarded_User", b"root")])
def test_whatever_a_client_sends_the_app_reads_exactly_our_identity(sent: list[Field]) -> None:
    """The whole way: through llhttp, the head's judge and the rewriting, read by a strict reader on the other side."""
    edge = StillEdge()
    edge.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"%b: %b\r\n" % each for each in sent) + b"\r\n")
    assert edge.reported == []
    for request in strict_requests(edge.forwarded):
        spelled = [(fold(name), value) for name, value in request.fields if fold(name) in OURS]
        assert sorted(spelled) == [(b"x-forwarded-groups", b"engineers"), (b"x-forwarded-user", b"ada")]


cookie_parts = st.sampled_from([b"__Host-muster", b"=", b";", b"; ", b"x", b"a=b", b" ", b"-a-", b'"', b","])


@given(st.lists(cookie_parts, max_size=12).map(b"".join))
def test_our_cookie_is_gone_from_what_the_app_gets_and_the_rest_stands_in_order(value: bytes) -> None:
    cookies = Cookies(b"__Host-muster")
    rest = cookies.rest(value)
    assert Cookies(b"__Host-muster").ours([rest]) is None
    assert all(
        pair.strip(b" ") in [p.strip(b" ") for p in value.split(b";")]
        for pair in rest.split(b";")
        if pair.strip(b" ")
    )
    assert cookies.rest(rest) == rest


logins = st.text() | st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), min_size=1)


@given(logins, st.none() | st.lists(st.text(), max_size=4).map(tuple))
def test_a_block_is_lines_of_printable_ascii_that_read_back_exactly(
    user: str, groups: tuple[str, ...] | None
) -> None:
    block = render_block(IdentityHeaders(user=user, groups=groups), NAMES)
    if not isinstance(block, bytes):
        return
    lines = block.split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) == 1 + (groups is not None)
    assert all(all(32 <= byte < 127 for byte in line) for line in lines)
    assert lines[0] == b"X-Forwarded-User: " + user.encode("ascii")
    if groups:
        parts = lines[1].removeprefix(b"X-Forwarded-Groups: ").decode().split(",")
        assert parts == [encoded(group, also=",") for group in groups]


def user_line(login: str, encoding: UserEncoding) -> bytes | None:
    """The value as a strict reader finds it: between the colon and the first line end, blanks at either end taken off."""
    block = render_block(IdentityHeaders(user=login), NAMES, user_encoding=encoding)
    if not isinstance(block, bytes):
        return None
    return block.partition(b"\r\n")[0].removeprefix(b"X-Forwarded-User:").strip(b" \t")


@given(logins, logins, st.sampled_from(UserEncoding))
@example("al\u0131ce", "al%C4%B1ce", UserEncoding.ASCII)
@example("al\u0131ce", "al%C4%B1ce", UserEncoding.UTF_8)
@example("j\u00f6rg", "j%C3%B6rg", UserEncoding.ASCII)
@example("ada", "ada ", UserEncoding.ASCII)
@example("50%", "50%25", UserEncoding.ASCII)
def test_two_accounts_are_never_sent_as_the_same_and_each_as_the_apps_own_login(
    one: str, other: str, encoding: UserEncoding
) -> None:
    """Nobody is served under a string that is not their login, whatever anybody else's login is."""
    sent = [user_line(login, encoding) for login in (one, other)]
    for login, value in zip((one, other), sent, strict=True):
        assert value is None or value == login.encode("utf-8")
    if one != other and None not in sent:
        assert sent[0] != sent[1]


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_every_login_of_visible_ascii_is_sent_as_it_is(login: str) -> None:
    assert user_line(login, UserEncoding.ASCII) == login.encode("ascii")


@given(st.text(), st.text())
def test_two_values_never_encode_to_the_same(one: str, other: str) -> None:
    assert (encoded(one, also=",") == encoded(other, also=",")) == (one == other)
    assert (encoded(one) == encoded(other)) == (one == other)
