"""What all sections share: strict, closed, frozen, and their defaults pass the same checks as what an operator writes."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from proxy.settings.durations import Duration
from proxy.settings.section import Reading, Section, local_path, setting


class Kettle(Section):
    boil: Duration = setting("90s", "How long.")
    cups: int = setting(2, "How many.", ge=1)


def test_a_default_is_read_as_if_it_were_written() -> None:
    assert Kettle().boil == 90.0


def test_a_section_is_strict_closed_and_frozen() -> None:
    with pytest.raises(ValidationError):
        Kettle.model_validate_json('{"cups": "2"}')
    with pytest.raises(ValidationError):
        Kettle.model_validate_json('{"cup": 2}')
    with pytest.raises(ValidationError):
        setattr(Kettle(), "cups", 3)  # noqa: B010 -- a plain assignment would not pass the type checker


def test_constraints_hold() -> None:
    with pytest.raises(ValidationError):
        Kettle.model_validate_json('{"cups": 0}')


def test_a_wrong_value_is_not_repeated_by_the_error() -> None:
    with pytest.raises(ValidationError) as caught:
        Kettle.model_validate_json('{"boil": "hunter2"}')
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "path"), [("a/b", "/etc/muster/a/b"), ("../a", "/etc/a"), ("/a", "/a"), ("./a", "/etc/muster/a")]
)
def test_a_path_starts_in_the_folder_and_is_tidied(text: str, path: str) -> None:
    assert local_path(text, Path("/etc/muster")) == Path(path)


def test_the_environment_is_not_shown() -> None:
    assert "hunter2" not in repr(Reading(environ={"PASSWORD": "hunter2"}))
