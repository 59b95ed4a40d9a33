"""No spelling of a path opens it, or reaches it around the operator's rule, however an app may read it."""

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.gate.decision import Request
from proxy.gate.paths import SIGNED_IN, PathRule, PathRules
from proxy.gate.spelling import is_open_spelling
from proxy.identity import GroupName

ADMINS = PathRule(path="/admin/*", groups=frozenset({GroupName("admins")}))
KEYS = PathRule(path="/api/keys", groups=frozenset({GroupName("admins")}))
API = PathRule(path="/api/*")
OPEN = PathRule(path="/static/*", is_optional=True)
RULES = PathRules((ADMINS, KEYS, API, OPEN))

# --- an app that reads as it likes, written without the code under test ----------------------------------------------


def _compatible(path: bytes) -> bytes:
    try:
        return unicodedata.normalize("NFKC", path.decode("utf-8")).encode("utf-8")
    except UnicodeDecodeError:
        return path


def _resolved(path: bytes) -> bytes:
    kept: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        if segment.strip(b" ") == b"..":
            del kept[-1:]
        elif segment.strip(b" ") != b".":
            kept.append(segment)
    return b"/" + b"/".join(kept)


def _overlong(path: bytes) -> bytes:
    """A decoder that takes overlong UTF-8 for what it would mean (CVE-2000-0884)."""
    return re.sub(rb"\xc0([\x80-\xbf])", lambda m: bytes((m[1][0] & 0x3F,)), path).replace(
        b"\xe0\x80\xaf", b"/"
    )


READERS: list[Callable[[bytes], bytes]] = [
    unquote_to_bytes,
    lambda path: path.replace(b"\\", b"/"),
    lambda path: b"/".join(segment.split(b";")[0] for segment in path.split(b"/")),
    lambda path: path.split(b";")[0],
    lambda path: re.sub(b"/+", b"/", path),
    lambda path: path.split(b"?")[0].split(b"#")[0],
    lambda path: path.split(b"\0")[0],
    lambda path: path.lower(),
    _compatible,
    _resolved,
    _overlong,
]

readers = st.lists(st.sampled_from(READERS), max_size=6)

PIECES = [
    "/", "/", "/", "admin", "Admin", "static", "api", "keys", "x", "..", ".", "%2e", "%2E%2e", "%2f", "%2F", "\\", "%5c", ";",
    "%3b", ";a=b", "%252e", "%252f", "%25", "%61", "%6b", "%00", "%3f", "%23", "//", "%20", "%c0%af", "%e0%80%af", "%c0%ae",
    "%ef%bc%8f", "%ef%bc%8e", "%e2%80%a4", "%ef%bd%81dmin", "%c3%a9", "%ff", "~", "%2525252f",
]  # fmt: skip

paths = st.lists(st.sampled_from(PIECES), max_size=9).map(lambda parts: ("/" + "".join(parts)).encode())
harmless = st.lists(
    st.sampled_from([*PIECES[:10], "%20", "%c3%a9", "~", "%e2%80%a4", "%ef%bc%8f", "..", "."]), max_size=9
)
under_open = st.one_of(paths, harmless.map(lambda parts: ("/" + "".join(parts)).encode())).map(
    lambda path: b"/static" + path
)


def asked(path: bytes, method: bytes = b"GET") -> Request:
    return Request(
        method=method,
        target=path,
        path=path,
        headers=[],
        names=[],
        host=b"app.example.com",
        cookie=None,
        peer="",
        scheme="https",
    )


def read_by(path: bytes, steps: list[Callable[[bytes], bytes]]) -> bytes:
    for step in steps:
        path = step(path)
    return path


@given(path=under_open, steps=readers)
@example(path=b"/static/..%2fadmin", steps=[unquote_to_bytes, _resolved])
@example(path=b"/static/%2e%2e/admin", steps=[unquote_to_bytes, _resolved])
@example(path=b"/static/..;/admin", steps=[READERS[2], _resolved])
@example(path=b"/static/..\\admin", steps=[READERS[1], _resolved])
@example(path=b"/static/%ef%bc%8e%ef%bc%8e/admin", steps=[unquote_to_bytes, _compatible, _resolved])
@example(path=b"/static/%252e%252e/admin", steps=[unquote_to_bytes, unquote_to_bytes, _resolved])
@example(path=b"/static/%c0%ae%c0%ae/admin", steps=[unquote_to_bytes, _overlong, _resolved])
@example(path=b"/static/..%20/admin", steps=[unquote_to_bytes, _resolved])
def test_what_is_open_stays_below_the_open_path_however_it_is_read(
    path: bytes, steps: list[Callable[[bytes], bytes]]
) -> None:
    if is_open_spelling(path):
        assert read_by(path, steps).startswith(b"/static/")


@given(path=st.one_of(paths, under_open), steps=readers)
@example(path=b"/%61dmin/x", steps=[unquote_to_bytes])
@example(path=b"/ADMIN", steps=[READERS[7]])
@example(path=b"/admin", steps=[])
@example(path=b"//admin/x", steps=[READERS[4]])
@example(path=b"/x/../admin/", steps=[_resolved])
@example(path=b"/api/keys;x", steps=[READERS[2]])
@example(path=b"/api/keys%3fx", steps=[unquote_to_bytes, READERS[5]])
@example(path=b"/api/keys%00.png", steps=[unquote_to_bytes, READERS[6]])
@example(path=b"/%ef%bd%81dmin/x", steps=[unquote_to_bytes, _compatible])
def test_no_reading_of_a_path_meets_a_stricter_rule_than_the_one_that_was_judged(
    path: bytes, steps: list[Callable[[bytes], bytes]]
) -> None:
    """What the app reads is judged again, as a path of its own: the rule must have been the same, or stricter."""
    judged = RULES.rule_of(asked(path))
    read = read_by(path, steps)
    if judged is None or not read.startswith(b"/"):
        return
    at_the_app = RULES.rule_of(asked(read))
    if at_the_app is not None:
        assert judged.groups >= at_the_app.groups
        assert not judged.is_optional or judged.path == at_the_app.path


@given(path=st.one_of(paths, under_open))
def test_only_an_open_spelling_is_forwarded_without_a_session(path: bytes) -> None:
    rule = RULES.rule_of(asked(path))
    assert rule is None or not rule.is_optional or is_open_spelling(path)


@given(path=st.one_of(paths, under_open), cases=st.lists(st.booleans(), min_size=64, max_size=64))
def test_case_never_leads_around_a_rule(path: bytes, cases: list[bool]) -> None:
    respelled = (
        bytes(
            ord(chr(octet).upper()) if up and octet < 128 else octet
            for octet, up in zip(path, cases, strict=False)
        )
        + path[64:]
    )
    as_written, otherwise = RULES.rule_of(asked(path)), RULES.rule_of(asked(respelled))
    if as_written is None or otherwise is None:
        assert as_written is otherwise
    else:
        assert as_written.groups == otherwise.groups


def test_rules_that_do_not_cover_a_path_leave_it_to_the_sign_in_alone() -> None:
    assert RULES.rule_of(asked(b"/somewhere")) is SIGNED_IN
