"""Heads seen before, found again by their bytes: what llhttp and our list said of them is said again without asking.

Invariants (rules 1 and 2 of the data plane):
- Only what llhttp (strict) parsed and our list passed is remembered, under the very bytes it parsed. llhttp carries nothing
  from one message to the next, so the same bytes have the same meaning.
- Of requests: a GET of HTTP/1.1 for a plain path, without anything that speaks of a body or of ending the connection. Request
  line and field block are remembered apart. That is sound because after the line llhttp knows only method and version, which are
  the same for all that is here.
- Of answers: a head with one Content-Length. A memory counts only when exactly that much follows it in the same read; whatever is
  longer or shorter goes through a parser.
- Nothing that depends on session, peer or clock is kept, no query, no Set-Cookie, and never more than `KEPT` of `LONGEST` bytes.
"""

from typing import Final, NamedTuple, TypeVar

from proxy.edge.answer import LENGTH, Framing
from proxy.edge.head import Fields, Head
from proxy.edge.inbox import END_OF_HEAD
from proxy.edge.target import is_plain
from proxy.gate.decision import Request

KEPT: Final = 512
LONGEST: Final = 4096
SELDOM: Final = 16
"""Of heads that were never found again for a memory's whole length, only every so manieth is noted: noting costs too."""

T = TypeVar("T")

_METHOD: Final = b"GET"
_CRLF: Final = b"\r\n"


class _Memory:
    """Notes less when nothing of what it notes comes again. `unused`: noted, or offered, since the last time something did."""

    __slots__ = ("unused",)

    def __init__(self) -> None:
        self.unused = 0

    def is_worth_noting(self) -> bool:
        self.unused += 1
        return self.unused <= KEPT or self.unused % SELDOM == 0


class KnownRequests(_Memory):
    """Request lines and field blocks; both must be known, then the head is. `most` is the limit on a whole head, in bytes."""

    __slots__ = ("_blocks", "_most", "_scheme", "_targets")

    def __init__(self, scheme: str, most: int) -> None:
        super().__init__()
        self._scheme = scheme
        self._most = most
        self._targets: dict[bytes, bytes] = {}
        self._blocks: dict[bytes, Fields] = {}

    def find(self, data: bytes, peer: str) -> Head | None:
        """The head that these bytes are, all of them; None when only llhttp can tell."""
        end = data.find(_CRLF) + 2
        target = self._targets.get(data[:end])
        if target is None:
            return None
        fields = self._blocks.get(data[end:])
        if fields is None or len(data) > self._most:
            return None
        self.unused = 0
        request = Request(
            method=_METHOD,
            target=target,
            path=target,
            headers=fields.headers,
            names=fields.names,
            host=fields.host,
            cookie=fields.cookie,
            peer=peer,
            scheme=self._scheme,
        )
        return Head(request, 0, fields, False)

    def note(self, data: bytes, head: Head) -> None:
        """Remembers a head that passed, whose connection may go on; `data` is all llhttp was fed of it."""
        target, fields = head.request.target, head.fields
        if not self.is_worth_noting() or not fields.is_simple or not is_plain(target):
            return
        # Not the line when empty lines came first, or when method or version is another one.
        line = b"GET %b HTTP/1.1\r\n" % target
        if data.startswith(line) and data.endswith(END_OF_HEAD):
            _keep(self._targets, line, target)
            _keep(self._blocks, data[len(line) :], fields)


class AnswerHead(NamedTuple):
    """An answer's head that lets the connection live. `start`: as clients get it, but for Connection, and for Date when the app
    sent none. `length`: the body's."""

    status: int
    framing: Framing
    start: bytes
    length: int
    is_dated: bool = True


class KnownAnswers(_Memory):
    """Answer heads of the app."""

    __slots__ = ("_heads",)

    def __init__(self) -> None:
        super().__init__()
        self._heads: dict[bytes, AnswerHead] = {}

    def find(self, data: bytes) -> tuple[AnswerHead, bytes] | None:
        """Head and body, when these bytes are a whole answer whose head is known."""
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        head = self._heads.get(data[:end])
        if head is None or len(data) - end != head.length:
            return None
        self.unused = 0
        return head, data[end:]

    def note(self, raw: bytes, head: AnswerHead) -> None:
        """Remembers a head under the bytes llhttp read it from."""
        is_whole = raw.find(END_OF_HEAD) == len(raw) - len(END_OF_HEAD)
        if is_whole and head.framing[0] == LENGTH and b"set-cookie" not in raw.lower():
            _keep(self._heads, raw, head)


def _keep(memory: dict[bytes, T], key: bytes, value: T) -> None:
    if len(key) > LONGEST:
        return
    if len(memory) >= KEPT:
        memory.clear()
    memory[key] = value
