"""Up, down, and one that tries."""

from proxy.edge.health import SAID_AGAIN, Fault, Health
from proxy.reasons import Reason

REFUSED = Fault(status=503, reason=Reason.UPSTREAM_UNAVAILABLE, detail="connection refused")
EXPIRED = Fault(status=502, reason=Reason.UPSTREAM_NOT_TRUSTED, detail="certificate has expired")


def _down(at: float = 100.0) -> Health:
    health = Health(2.0)
    health.failed(REFUSED, at, is_verdict=True)
    return health


def test_at_first_everybody_tries() -> None:
    health = Health(2.0)
    assert health.refusal(0.0) is None
    assert health.refusal(0.0) is None


def test_down_answers_at_once_with_what_is_left_of_the_time_in_whole_seconds() -> None:
    health = _down()
    for now, seconds in ((100.0, 2), (100.9, 2), (101.5, 1), (101.99, 1)):
        refusal = health.refusal(now)
        assert refusal is not None
        assert (refusal.fault, refusal.retry_after) == (REFUSED, seconds)


def test_then_one_tries_and_the_others_still_hear_no() -> None:
    health = _down()
    assert health.refusal(102.0) is None
    refusal = health.refusal(102.0)
    assert refusal is not None
    assert refusal.retry_after == 1


def test_a_failed_try_begins_the_time_again_whatever_it_was_for() -> None:
    health = _down()
    health.refusal(102.0)
    health.failed(REFUSED, 102.5, is_verdict=False)
    assert health.refusal(104.4) is not None
    assert health.refusal(104.5) is None


def test_a_success_opens_for_everybody() -> None:
    health = _down()
    health.is_news(REFUSED, 100.0)
    health.refusal(102.0)
    assert health.connected()
    assert health.refusal(102.0) is None
    assert health.refusal(102.0) is None
    assert not health.connected()


def test_a_try_that_was_left_is_the_next_ones() -> None:
    health = _down()
    health.refusal(102.0)
    health.left()
    assert health.refusal(102.0) is None


def test_a_refusal_that_was_not_tried_again_decides_nothing() -> None:
    health = Health(2.0)
    assert health.failed(REFUSED, 100.0, is_verdict=False).retry_after == 2
    assert health.refusal(100.0) is None


def test_one_fault_is_said_once_in_a_while_and_another_at_once() -> None:
    health = Health(2.0)
    assert health.is_news(REFUSED, 0.0)
    assert not health.is_news(REFUSED, SAID_AGAIN - 1)
    assert health.is_news(REFUSED, SAID_AGAIN)
    assert health.is_news(EXPIRED, SAID_AGAIN)
