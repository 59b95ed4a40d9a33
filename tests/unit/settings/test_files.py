"""Files are found beside the configuration, and those that Muster makes have a folder to be made in."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.settings.files import FileToRead, FileToWrite
from proxy.settings.section import Reading


def to_write(value: object, folder: Path) -> Path:
    return TypeAdapter(FileToWrite).validate_python(value, context=Reading(folder=folder))


def to_read(value: object, folder: Path) -> Path:
    return TypeAdapter(FileToRead).validate_python(value, context=Reading(folder=folder))


def test_a_relative_path_starts_in_the_configurations_folder(tmp_path: Path) -> None:
    assert to_write("./muster.db", tmp_path) == tmp_path / "muster.db"


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    assert to_write(str(tmp_path / "x"), Path("/elsewhere")) == tmp_path / "x"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("nowhere/muster.db", "does not exist"),
        (".", "is a folder"),
        ("", "write a file's path"),
        (3, "write a file's path"),
        ("a\0b", "write"),
    ],
)
def test_a_file_that_could_not_be_made_is_refused(wrong: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=said):
        to_write(wrong, tmp_path)


def test_a_file_to_read_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="there is no file"):
        to_read("ca.pem", tmp_path)
    (tmp_path / "ca.pem").write_text("x")
    assert to_read("ca.pem", tmp_path) == tmp_path / "ca.pem"
