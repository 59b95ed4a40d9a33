"""The shape that all sections of the settings share, and what their values may look at while they are read."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, WithJsonSchema


class Section(BaseModel):
    """Strict, closed and frozen. Defaults are written as an operator would write them (`"5s"`) and pass the same checks."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )


def setting(default: Any, description: str, **constraints: Any) -> Any:
    """A setting that may be left out. `description` is what the reference and the schema say about it."""
    return Field(default=default, description=description, **constraints)


def written_as(kind: str, **schema: Any) -> WithJsonSchema:
    """How a value is written, for the schema and the reference; `kind` is the word that the reference uses."""
    return WithJsonSchema({"type": "string", **schema, "x-kind": kind})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Where a configuration is read: relative paths start in `folder`, `{env: NAME}` looks into `environ`."""

    folder: Path = field(default_factory=Path)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


def reading(info: ValidationInfo) -> Reading:
    """The `Reading` a validator was called in; an empty one where a section is built by hand."""
    return info.context if isinstance(info.context, Reading) else Reading()


def local_path(text: str, folder: Path) -> Path:
    """The path that an operator wrote, relative to the configuration's folder; `~` is the home folder."""
    return Path(os.path.normpath(folder / Path(text).expanduser()))
