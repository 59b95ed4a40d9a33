"""Ready is who can serve: the store answers and changes are heard; an IdP or an app that is down makes nobody unready."""

import pytest

from proxy.app.readiness import LONGEST_SILENCE, Readiness
from proxy.gate.cache import SessionCache
from tests.fakes.session_store import DictSessions


def asked(*, silence: float) -> Readiness:
    cache = SessionCache()
    cache.proved_at = 1000.0
    return Readiness(sessions=DictSessions(), cache=cache, clock=lambda: 1000.0 + silence)


@pytest.mark.parametrize("silence", [0.0, LONGEST_SILENCE - 0.1])
async def test_a_store_that_answers_and_changes_that_are_heard_are_enough(silence: float) -> None:
    assert await asked(silence=silence).ready() == (True, {"store": "ok", "changes": "ok"})


async def test_a_silent_change_channel_is_not_ready() -> None:
    is_ready, parts = await asked(silence=7.4).ready()
    assert not is_ready
    assert parts == {"store": "ok", "changes": "not heard for 7 s"}


async def test_a_store_that_is_away_is_not_ready_and_says_why() -> None:
    readiness = asked(silence=0.0)
    readiness.sessions.down = True  # type: ignore[attr-defined]  # the fake's switch
    assert await readiness.ready() == (False, {"store": "the store is away"})
