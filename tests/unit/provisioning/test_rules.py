"""The courier's rules: limits, and the times that a restart depends on."""

import pytest

from proxy.provisioning.retry import MOST
from proxy.provisioning.rules import CourierRules, creation_limit


@pytest.mark.parametrize(
    ("configured", "members", "expected"),
    [(None, 0, 50), (None, 250, 50), (None, 255, 51), (None, 1000, 200), (7, 1000, 7), (0, 1000, 0)],
)
def test_accounts_made_within_an_hour_are_limited(
    configured: int | None, members: int, expected: int
) -> None:
    assert creation_limit(CourierRules(creations_per_hour=configured), members) == expected


def test_whatever_a_dead_courier_held_is_carried_out_within_a_minute() -> None:
    rules = CourierRules()
    assert rules.claim_renewed_every * 3 < rules.claim_seconds, "a renewal may fail twice"
    assert rules.claim_seconds + rules.poll < 60
    assert MOST + rules.poll < 60
