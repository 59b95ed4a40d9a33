"""The doctor at a shared store: whether the server answers, and whether it keeps what it is given. Nothing is changed."""

import asyncio
from typing import Final

from proxy.app.storing import place_of
from proxy.cli.doctor_finding import Finding, Findings, failed, ok, warning
from proxy.errors import SettingsError, Unavailable
from proxy.settings.store import Redis
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.opening import ServerState

_KEEPING: Final = "noeviction"


def examine_server(redis: Redis) -> tuple[Findings, bool]:
    """What there is to say about the server, and whether it can be read."""
    try:
        state = asyncio.run(_ask(redis))
    except SettingsError as error:
        return [failed("store", problem.message) for problem in error.problems], False
    except Unavailable as error:
        return [
            failed("store", error.reason, "see whether the server runs and may be reached from here")
        ], False
    return judge(state, is_watched=redis.sentinel is not None), True


def judge(state: ServerState, *, is_watched: bool) -> Findings:
    """By what the server says about itself."""
    found: Findings = [ok("store", f"{state.name} {state.version} answers")]
    if state.eviction != _KEEPING:
        seen = (
            f"the server may throw records away when its memory is full (maxmemory-policy {state.eviction})"
        )
        found.append(failed("store", seen, f"set maxmemory-policy {_KEEPING}"))
    found += _durability(state)
    if is_watched and not state.replicas:
        found.append(warning("store", "no replica follows the master", "a fail-over has nowhere to go"))
    return found


def _durability(state: ServerState) -> list[Finding]:
    if not state.has_aof:
        seen = "the server writes no append-only file: a restart signs everybody out and forgets what the app still lacks"
        return [failed("store", seen, "set appendonly yes")]
    if not state.is_aof_written:
        return [failed("store", "the server cannot write its append-only file", "see its disk")]
    return []


async def _ask(redis: Redis) -> ServerState:
    engine = RedisEngine(place_of(redis))
    try:
        await engine.open()
        return await engine.state()
    finally:
        await engine.close()
