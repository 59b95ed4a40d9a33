"""When the app is asked again, and when an operator is."""

import pytest

from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.model import Entry, EntryState
from proxy.provisioning.retry import Again, Park, after_fault, backoff, is_the_apis
from proxy.reasons import Reason

LOW, HIGH = b"\x00" * 4, b"\xff" * 4


@pytest.mark.parametrize(
    ("attempts", "least", "most"),
    [(0, 0.5, 1.0), (1, 1.0, 2.0), (4, 8.0, 16.0), (6, 22.5, 45.0), (999, 22.5, 45.0)],
)
def test_waits_double_to_a_cap_below_a_minute_half_of_them_at_random(
    attempts: int, least: float, most: float
) -> None:
    assert backoff(attempts, LOW) == least
    assert backoff(attempts, HIGH) == pytest.approx(most)


@pytest.mark.parametrize("entropy", [b"", b"\x01", b"\x80\x00\x00\x00 and more"])
def test_any_entropy_gives_a_wait_within_bounds(entropy: bytes) -> None:
    assert 0.5 <= backoff(0, entropy) < 1.0


@pytest.mark.parametrize(("asked", "expected"), [(None, 0.5), (0.1, 0.5), (30.0, 30.0), (999_999.0, 3600.0)])
def test_the_apps_own_wait_is_obeyed(asked: float | None, expected: float) -> None:
    found = after_fault(AppTrouble(detail="HTTP 429", retry_after=asked), 0, LOW)
    assert found == Again(after=expected, reason=Reason.APP_TROUBLE, detail="HTTP 429")


@pytest.mark.parametrize(
    "reason", [Reason.APP_REFUSED, Reason.NO_SEAT, Reason.LOGIN_TAKEN, Reason.PROTECTED_ACCOUNT]
)
def test_a_refusal_waits_for_an_operator_with_the_apps_words(reason: Reason) -> None:
    found = after_fault(AppRefusal(reason=reason, detail="HTTP 422: name is too long"), 3, LOW)
    assert found == Park(reason=reason, detail="HTTP 422: name is too long")


@pytest.mark.parametrize("reason", [Reason.APP_UNPROVED, Reason.ACCOUNT_GONE])
def test_what_is_not_about_this_person_parks_nobody(reason: Reason) -> None:
    found = after_fault(AppRefusal(reason=reason, detail="HTTP 401"), 0, LOW)
    assert found == Again(after=8.0, reason=reason, detail="HTTP 401")


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        (EntryState.PARKED, Reason.APP_REFUSED, True),
        (EntryState.PARKED, Reason.APP_UNPROVED, True),
        (EntryState.PARKED, Reason.APP_TROUBLE, True),
        (EntryState.PARKED, Reason.ACCOUNT_GONE, True),
        (EntryState.PARKED, Reason.LOGIN_TAKEN, False),
        (EntryState.PARKED, Reason.NO_SEAT, False),
        (EntryState.PARKED, Reason.AMBIGUOUS_ACCOUNT, False),
        (EntryState.HELD, Reason.APP_REFUSED, False),
        (EntryState.DROPPED, Reason.APP_REFUSED, False),
        (EntryState.OPEN, Reason.APP_TROUBLE, False),
    ],
)
def test_what_the_apps_api_said_is_worth_a_try_and_what_is_about_a_person_is_not(
    state: EntryState, reason: Reason, expected: bool
) -> None:
    entry = Entry(id=1, account_id=None, statements=(), state=state, version=1, reason=reason)
    assert is_the_apis(entry) is expected
