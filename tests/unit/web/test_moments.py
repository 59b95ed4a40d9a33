"""Times as people read them, and as machines do."""

import pytest

from proxy.web.moments import distance, moment


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "now"),
        (1, "in 1 second"),
        (-59, "59 seconds ago"),
        (60, "in 1 minute"),
        (3599, "in 59 minutes"),
        (-7200, "2 hours ago"),
        (90_000, "in 1 day"),
    ],
)
def test_distances_read_as_people_say_them(seconds: float, text: str) -> None:
    assert distance(seconds) == text


def test_a_moment_is_written_for_machines_and_people() -> None:
    told = moment(0.0, 60.0)
    assert (told.iso, told.clock, told.distance) == ("1970-01-01T00:00:00Z", "00:00:00 UTC", "1 minute ago")
