"""Files that the settings name: relative paths start in the configuration's own folder, not in the working folder."""

from pathlib import Path
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo

from proxy.settings.section import local_path, reading, written_as


def _local(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("write a file's path")
    return local_path(value, reading(info).folder)


def _to_write(value: object, info: ValidationInfo) -> Path:
    path = _local(value, info)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist")
    return path


def _to_read(value: object, info: ValidationInfo) -> Path:
    path = _local(value, info)
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


FileToWrite = Annotated[Path, PlainValidator(_to_write), written_as("path")]
"""A file that Muster makes when it is absent; its folder must exist."""

FileToRead = Annotated[Path, PlainValidator(_to_read), written_as("path")]
"""A file that must exist."""
