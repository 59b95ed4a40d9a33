"""Errors carry what an operator or a client may know, and no more."""

import pytest

from proxy.errors import MusterError, NotTrusted, Problem, SettingsError, Unavailable


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(path="listen", line=3, message="no"), "line 3: listen: no"),
        (Problem(path="listen", line=None, message="no"), "listen: no"),
        (Problem(path="", line=3, message="no"), "line 3: no"),
        (Problem(path="", line=None, message="no"), "no"),
    ],
)
def test_a_problem_says_where_as_far_as_it_is_known(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_settings_error_carries_every_problem() -> None:
    problems = (Problem(path="a", line=1, message="x"), Problem(path="b", line=2, message="y"))
    error = SettingsError(problems, source="muster.yaml")
    assert (error.problems, error.source, str(error)) == (
        problems,
        "muster.yaml",
        "line 1: a: x; line 2: b: y",
    )


def test_what_is_not_trusted_shows_a_code_and_a_status() -> None:
    error = NotTrusted("state_mismatch")
    assert (error.code, error.status, str(error)) == ("state_mismatch", 400, "state_mismatch")
    assert NotTrusted("no_session", status=401).status == 401


def test_what_is_unavailable_says_when_to_come_back() -> None:
    error = Unavailable("the store does not answer")
    assert (error.reason, error.retry_after, error.status) == ("the store does not answer", 5, 503)


@pytest.mark.parametrize("error", [SettingsError(()), NotTrusted("x"), Unavailable("x")])
def test_all_are_of_one_tree(error: Exception) -> None:
    assert isinstance(error, MusterError)
