"""Secrets by reference: a file or an environment variable, never the secret itself in the configuration.

A secret in a file is read again whenever the file changes, so a rotated secret needs no restart. While the changed file
cannot be read, or is empty, the last good value stands: half a rotation must not sign anybody out.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from proxy.settings.section import Reading, local_path, reading

_LARGEST: Final = 64 * 1024
_HOW_TO: Final = (
    "a secret is not written here: put it into a file and write {file: PATH}, or write {env: NAME}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """Where a secret stands: exactly one of `file` (absolute) and `env`; `value` is what the variable held at start.

    `is_document`: it may have several lines (a private key).
    """

    file: Path | None = None
    env: str | None = None
    value: str | None = field(default=None, repr=False)
    is_document: bool = False

    def reader(self) -> Callable[[], str]:
        """A function that returns the secret, reading its file again when that changed (one `stat` a call).

        Raises OSError or ValueError now, if it cannot be read now; the function itself never raises.
        """
        if self.file is None:
            value = self.value or ""
            return lambda: value
        return _Watched(self.file, self.is_document)

    def is_open_to_others(self) -> bool:
        """Whether everybody on this machine may read the file."""
        return self.file is not None and bool(self.file.stat().st_mode & stat.S_IROTH)


class _Watched:
    """The content of one file, read again when its time, size or inode changes (a Kubernetes secret changes the inode)."""

    __slots__ = ("_is_document", "_path", "_seen", "_value")

    def __init__(self, path: Path, is_document: bool) -> None:
        self._path = path
        self._is_document = is_document
        self._seen = _mark(path)
        self._value = read_secret(path, is_document=is_document)

    def __call__(self) -> str:
        try:
            seen = _mark(self._path)
            if seen != self._seen:
                self._value = read_secret(self._path, is_document=self._is_document)
                self._seen = seen
        except (OSError, ValueError):
            return self._value
        return self._value

    def __repr__(self) -> str:
        return f"<secret in {self._path}>"


def _mark(path: Path) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size, status.st_ino


def read_secret(path: Path, *, is_document: bool = False) -> str:
    """The file's text without the white space around it. Raises OSError, or ValueError with a sentence."""
    with path.open("rb") as file:
        raw = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise ValueError(f"the secret file {path} is larger than 64 KiB")
    try:
        return _checked(raw.decode().strip(), f"the secret file {path}", is_document)
    except UnicodeDecodeError:
        raise ValueError(f"the secret file {path} is not UTF-8 text") from None


def _checked(text: str, where: str, is_document: bool) -> str:
    if not text:
        raise ValueError(f"{where} is empty")
    if is_document:
        if not all(line.replace("\t", " ").isprintable() for line in text.splitlines()):
            raise ValueError(f"{where} holds control characters")
    elif not text.isprintable():
        raise ValueError(f"{where} holds more than one line, or control characters")
    return text


def parse_secret(value: object, where: Reading, *, is_document: bool = False) -> SecretRef:
    """From `{file: PATH}` or `{env: NAME}`; the secret must be readable now. Raises ValueError with a sentence without it."""
    if isinstance(value, SecretRef):
        return value
    match value:
        case {"file": str(text), **others} if text and not others:
            return _in_file(local_path(text, where.folder), is_document)
        case {"env": str(name), **others} if name and not others:
            return _in_environment(name, where, is_document)
        case dict():
            raise ValueError("write exactly one of {file: PATH} and {env: NAME}")
    raise ValueError(_HOW_TO)


def _in_file(path: Path, is_document: bool) -> SecretRef:
    try:
        read_secret(path, is_document=is_document)
    except FileNotFoundError:
        raise ValueError(f"there is no secret file {path}") from None
    except OSError as error:
        raise ValueError(f"the secret file {path} cannot be read: {error.strerror}") from None
    return SecretRef(file=path, is_document=is_document)


def _in_environment(name: str, where: Reading, is_document: bool) -> SecretRef:
    text = where.environ.get(name)
    if text is None:
        raise ValueError(f"the environment variable {name} is not set")
    value = _checked(text.strip(), f"the environment variable {name}", is_document)
    return SecretRef(env=name, value=value, is_document=is_document)


def _validate(value: object, info: ValidationInfo) -> SecretRef:
    return parse_secret(value, reading(info))


def _validate_document(value: object, info: ValidationInfo) -> SecretRef:
    return parse_secret(value, reading(info), is_document=True)


def _either(name: str) -> dict[str, Any]:
    only = {"type": "string", "minLength": 1}
    return {"type": "object", "properties": {name: only}, "required": [name], "additionalProperties": False}


_SHOWN: Final = PlainSerializer(lambda ref: str(ref.file or ref.env))
_SCHEMA: Final = WithJsonSchema({"anyOf": [_either("file"), _either("env")], "x-kind": "secret"})

Secret = Annotated[SecretRef, PlainValidator(_validate), _SHOWN, _SCHEMA]
SecretDocument = Annotated[SecretRef, PlainValidator(_validate_document), _SHOWN, _SCHEMA]
"""A secret of several lines."""
