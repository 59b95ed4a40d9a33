"""Which descriptors are ours, as sd_listen_fds(3) says."""

import pytest

from proxy.errors import SettingsError
from proxy.settings.passed import passed_descriptors


@pytest.mark.parametrize(
    ("environ", "descriptors"),
    [
        ({}, []),
        ({"LISTEN_FDS": "2"}, []),
        ({"LISTEN_PID": "8", "LISTEN_FDS": "2"}, []),
        ({"LISTEN_PID": "7"}, []),
        ({"LISTEN_PID": "7", "LISTEN_FDS": "0"}, []),
        ({"LISTEN_PID": "7", "LISTEN_FDS": "2"}, [3, 4]),
    ],
)
def test_they_are_ours_when_they_are_meant_for_this_process(
    environ: dict[str, str], descriptors: list[int]
) -> None:
    assert list(passed_descriptors(environ, 7)) == descriptors


@pytest.mark.parametrize("count", ["two", "-1", "1.5", "65", "", "²"])
def test_a_count_that_is_none_is_a_mistake(count: str) -> None:
    with pytest.raises(SettingsError, match="LISTEN_FDS"):
        passed_descriptors({"LISTEN_PID": "7", "LISTEN_FDS": count}, 7)
