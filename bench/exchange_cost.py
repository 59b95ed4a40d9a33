"""What an exchange costs in our own code, without sockets: `python -m bench.exchange_cost [REQUESTS [ROUNDS [same|fresh]]]`.

The real edge, gate and access log between two transports that only keep what was written last; one signed-in GET of 1 KiB
after the other. `same`: what was asked is asked again, and the app's head stays the same, as it does while its Date does.
`fresh`: no request line and no answer's head ever comes twice. Prints the median CPU time of the rounds, in µs per request.

Figures that a busy machine does not blur come from counting instructions (the difference of two runs, by their lengths):
`PYTHONHASHSEED=0 valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null python -m bench.exchange_cost 2000 1`.
"""

import asyncio
import io
import statistics
import sys
import time
from types import SimpleNamespace
from typing import Any, cast

import uvloop

from proxy.edge.client import ClientConnection
from proxy.edge.plane import Neighbours, Plane
from proxy.edge.pool import Pool
from proxy.edge.rules import Limits, UpstreamRules
from proxy.edge.upstream import UpstreamConnection
from proxy.gate.cache import Cached, SessionCache
from proxy.gate.decision import Admit
from proxy.gate.fields import FieldRules
from proxy.gate.gate import Gate, GateRules
from proxy.gate.headers import HeaderNames, IdentityHeaders, render_block
from proxy.session.model import SessionKey
from proxy.telemetry.access import AccessLog, Counted
from proxy.telemetry.counts import PlainCounts
from proxy.telemetry.lines import Lines, Timestamps

COOKIE = b"a" * 43
HOST = b"muster.localhost:8080"
FIELDS = b"Host: %b\r\nCookie: __Host-muster=%b\r\n\r\n" % (HOST, COOKIE)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 14:00:00 GMT\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 1024\r\nLast-Modified: Sun, 22 Nov 2026 13:00:00 GMT\r\nConnection: keep-alive\r\n"
    b'ETag: "65f1-%08x"\r\nAccept-Ranges: bytes\r\n\r\n'
)
BODY = b"x" * 1024
FAR = 1e12


class Sink:
    """A transport that is always open and always writable."""

    last = b""

    def write(self, data: bytes) -> None:
        """Keeps what was written last."""
        self.last = data

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_extra_info(self, name: str) -> Any:
        """A peer."""
        return ("127.0.0.1", 50000) if name == "peername" else None


def steady_gate() -> Gate:
    """The real gate, with one session in its cache; nothing of the slow path is reached."""
    person = IdentityHeaders(
        user="ada", email="ada@example.com", username="ada", groups=("engineers", "platform")
    )
    block = render_block(person, HeaderNames())
    assert isinstance(block, bytes)
    nobody = cast(Any, None)
    cache = SessionCache()
    cache.proved_at = FAR
    cache.entries[COOKIE] = Cached(
        cookie=COOKIE,
        session=cast(Any, SimpleNamespace(last_seen_at=0.0)),
        admit=Admit(session=SessionKey("0" * 64), block=block),
        until=FAR,
        early_at=FAR,
        seen_at=0.0,
    )
    rules = GateRules(hosts=frozenset((HOST,)), refresh=nobody)
    return Gate(nobody, nobody, cache, rules, render=nobody, key_of=nobody, clock=time.time)


def steady_plane(loop: asyncio.AbstractEventLoop) -> Plane:
    """The shipped limits and fields, with the access line on."""
    nobody = cast(Any, None)
    lines = Lines(io.StringIO(), lambda lost: None)
    requests, refused = PlainCounts("requests", "", "outcome"), PlainCounts("refused", "", "why")
    counted = Counted(requests=requests, refused=refused)
    access = AccessLog(lines, Timestamps(), counted, clock=time.time, is_written=True)
    upstream = UpstreamRules(host="127.0.0.1", port=80)
    return Plane(
        Neighbours(gate=steady_gate(), answers=nobody, connect_own=nobody, access=access, report=repr),
        loop=loop,
        limits=Limits(),
        fields=FieldRules(identity=HeaderNames().all(), cookie="__Host-muster"),
        scheme="http",
        pool=Pool(upstream, loop, lambda: None),
    )


class Conversation:
    """One client connection and one kept connection to the app."""

    def __init__(self, plane: Plane) -> None:
        self.app, self.browser = Sink(), Sink()
        assert plane.pool is not None, "made with one"
        self.upstream = UpstreamConnection(65536, plane.pool.known_answers)
        self.upstream.connection_made(cast(asyncio.BaseTransport, self.app))
        self.client = ClientConnection(plane)
        self.client.connection_made(cast(asyncio.BaseTransport, self.browser))
        self.upstream.idle_since = plane.now
        plane.pool._idle.append(self.upstream)  # as if it had served an exchange before

    def exchange(self, request: bytes, answer: bytes) -> None:
        """One request and its answer, each in one read."""
        self.client.data_received(request)
        self.upstream.data_received(answer)

    def run(self, messages: list[tuple[bytes, bytes]]) -> float:
        """CPU seconds of these exchanges."""
        before = time.process_time()
        for request, answer in messages:
            self.exchange(request, answer)
        spent = time.process_time() - before
        assert self.browser.last.endswith(BODY), self.browser.last
        assert b"X-Forwarded-User: ada" in self.app.last, self.app.last
        return spent


def messages(count: int, first: int, *, is_fresh: bool) -> list[tuple[bytes, bytes]]:
    """So many requests and answers; numbers from `first` on make each one new."""
    if not is_fresh:
        return [(b"GET /1k HTTP/1.1\r\n" + FIELDS, ANSWER % 0 + BODY)] * count
    return [
        (b"GET /1k/%d HTTP/1.1\r\n" % number + FIELDS, ANSWER % number + BODY)
        for number in range(first, first + count)
    ]


def main() -> None:
    """Measures and prints."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    mode = sys.argv[3] if len(sys.argv) > 3 else "same"
    loop = uvloop.new_event_loop()
    conversation = Conversation(steady_plane(loop))
    spent = [
        conversation.run(messages(count, turn * count, is_fresh=mode == "fresh")) * 1e6 / count
        for turn in range(rounds)
    ]
    loop.close()
    print(f"{mode}: {statistics.median(spent):.2f} µs (least {min(spent):.2f})")


if __name__ == "__main__":
    main()
