"""The data plane alone, with one session cached: `python -m bench.edge_only PORT UPSTREAM_PORT ACCESS_FILE|- [PROFILE_FILE]`."""

import asyncio
import cProfile
import os
import signal
import socket
import sys
import time

import uvloop

from proxy.edge.listener import Listener
from proxy.edge.plane import Neighbours
from proxy.edge.ports import Answer
from proxy.edge.rules import UpstreamRules
from proxy.gate.decision import Admit, Deny, Kind, Request, SignIn, Verdict
from proxy.gate.fields import FieldRules
from proxy.gate.headers import HeaderNames, IdentityHeaders, render_block
from proxy.reasons import Reason
from proxy.session.model import SessionKey
from proxy.telemetry.access import AccessLog
from proxy.telemetry.telemetry import Streams, Telemetry, TelemetryRules

COOKIE = "__Host-muster"


class CachedGate:
    """Admits the one cookie it knows, as the gate's cache does in the steady state."""

    def __init__(self) -> None:
        person = IdentityHeaders(
            user="ada", email="ada@example.com", username="ada", groups=("engineers", "platform")
        )
        block = render_block(person, HeaderNames())
        assert isinstance(block, bytes)
        self._sessions = {b"a" * 43: (Admit(session=SessionKey("0" * 64), block=block), time.time() + 1e6)}

    def decide_now(self, request: Request) -> Verdict | None:
        """One dictionary look-up and one look at the clock."""
        known = self._sessions.get(request.cookie or b"")
        if known is None or time.time() > known[1]:
            return SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.SCRIPT)
        return known[0]

    async def decide(self, request: Request) -> Verdict:
        """Never asked: `decide_now` always knows."""
        return SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.SCRIPT)


class ReasonAsText:
    """The reason, and nothing else."""

    def answer(self, verdict: SignIn | Deny, request: Request | None, incident: str | None = None) -> Answer:
        """Plain text."""
        status = verdict.status if isinstance(verdict, Deny) else 401
        return Answer(status=status, body=verdict.reason.encode())


async def no_own_pages() -> socket.socket:
    """There are none."""
    raise OSError("no own pages in this measurement")


def access_log(path: str) -> AccessLog:
    """The product's access log, into a file, or counting only when the path is `-`."""
    descriptor = os.open(os.devnull if path == "-" else path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    telemetry = Telemetry(
        TelemetryRules(is_access_logged=path != "-"), streams=Streams(out=os.fdopen(descriptor, "a"))
    )
    return telemetry.access


async def serve(port: int, upstream_port: int, access: str) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    neighbours = Neighbours(
        gate=CachedGate(),
        answers=ReasonAsText(),
        connect_own=no_own_pages,
        access=access_log(access),
        report=repr,
    )
    listener = Listener(
        neighbours,
        upstream=UpstreamRules(host="127.0.0.1", port=upstream_port),
        fields=FieldRules(identity=HeaderNames().all(), cookie=COOKIE),
    )
    await listener.start([("127.0.0.1", port)])
    await stop.wait()
    await listener.drain()


def main() -> None:
    """Serves, under the profiler when a file for it is named."""
    port, upstream_port, access, *profile = sys.argv[1:]
    profiler = cProfile.Profile() if profile else None
    if profiler:
        profiler.enable()
    uvloop.run(serve(int(port), int(upstream_port), access))
    if profiler:
        profiler.disable()
        profiler.dump_stats(profile[0])


if __name__ == "__main__":
    main()
