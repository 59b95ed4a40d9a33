"""Every answer that is not "active" has one word for log, audit and statement."""

import pytest

from proxy.provisioning.directory import Cause, Gone, Suspended, Unknown, reason_of
from proxy.reasons import Reason


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Suspended(marker="x"), Reason.DIRECTORY_SUSPENDED),
        (Gone(marker="x"), Reason.DIRECTORY_GONE),
        (Unknown(detail="x"), Reason.DIRECTORY_TROUBLE),
        (Unknown(detail="x", cause=Cause.NOT_COVERED), Reason.DIRECTORY_TROUBLE),
        (Unknown(detail="x", cause=Cause.MISCONFIGURED), Reason.DIRECTORY_MISCONFIGURED),
    ],
)
def test_a_word_for_every_answer(standing: Suspended | Gone | Unknown, reason: Reason) -> None:
    assert reason_of(standing) is reason
