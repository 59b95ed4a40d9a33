"""What is asked of every proxy: a table of scenarios, each a function from a target to the load that it bore."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import generate, wrk
from bench.figures import Load
from bench.targets import Target

CONNECTIONS: Final = 64
MANY: Final = 256
MIB: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a run is, how large a body, and where a script may stand."""

    seconds: float
    stream_mib: int
    directory: Path


Bear = Callable[[Target, Terms], Load]
"""One run. Raises ValueError when the target did not answer as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`key` is what BENCH_ONLY names. `is_bulk`: one body, whose `{size}` the title tells; CPU is per body."""

    key: str
    title: str
    bear: Bear
    is_bulk: bool = False


def _wrk(shape: wrk.Shape) -> Bear:
    return lambda target, terms: wrk.run(target, shape, terms.seconds, terms.directory)


def _echo(target: Target, terms: Terms) -> Load:
    return generate.run("echoes", target, seconds=terms.seconds, connections=CONNECTIONS)


def _bulk(kind: str) -> Bear:
    return lambda target, terms: generate.run(kind, target, size=terms.stream_mib * MIB)


def at_rate(rate: float) -> Bear:
    """Requests at a fixed rate, whatever becomes of them (open loop)."""
    return lambda target, terms: generate.run(
        "at_rate", target, seconds=terms.seconds, connections=CONNECTIONS, rate=rate
    )


GET: Final = "get-1k"
FORWARD_AUTH: Final = "forward-auth"
RATE: Final = "rate"

SCENARIOS: Final = (
    Scenario(key=GET, title="GET 1 KiB, 64 connections", bear=_wrk(wrk.Shape())),
    Scenario(
        key="fresh",
        title="GET 1 KiB, 64 connections, no request line and no answer's head comes twice",
        bear=_wrk(wrk.Shape(is_fresh=True)),
    ),
    Scenario(key="get-64k", title="GET 64 KiB, 64 connections", bear=_wrk(wrk.Shape(path="/64k"))),
    Scenario(
        key="post-1k",
        title="POST 1 KiB, 64 connections",
        bear=_wrk(wrk.Shape(path="/post", is_post=True)),
    ),
    Scenario(key="many", title="GET 1 KiB, 256 connections", bear=_wrk(wrk.Shape(connections=MANY))),
    Scenario(
        key="new",
        title="GET 1 KiB, a new connection for each, 64 at once",
        bear=_wrk(wrk.Shape(is_closing=True)),
    ),
    Scenario(key="websocket", title="WebSocket, echo of 100 bytes, 64 connections", bear=_echo),
    Scenario(key="down", title="{size} down, one connection", bear=_bulk("down"), is_bulk=True),
    Scenario(key="up", title="{size} up, one connection", bear=_bulk("up"), is_bulk=True),
)
KEYS: Final = (*(scenario.key for scenario in SCENARIOS), RATE, FORWARD_AUTH)
