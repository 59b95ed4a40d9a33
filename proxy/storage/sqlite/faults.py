"""SQLite's errors as sentences: `Unavailable` at run time, `SettingsError` while opening. Never a traceback to anybody."""

import sqlite3
from pathlib import Path
from typing import Final

from proxy.errors import Problem, SettingsError, Unavailable

_SETTING: Final = "store.sqlite"

_SENTENCES: Final = {
    "SQLITE_BUSY": "it is locked by another process",
    "SQLITE_LOCKED": "it is locked by another process",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "its disk fails",
    "SQLITE_READONLY": "it may not be written",
    "SQLITE_PERM": "it may not be opened",
    "SQLITE_AUTH": "it may not be opened",
    "SQLITE_CANTOPEN": "it cannot be opened",
    "SQLITE_CORRUPT": "it is damaged",
    "SQLITE_NOTADB": "it is not a database",
    "SQLITE_INTERRUPT": "it was too slow",
}


def sentence(error: sqlite3.Error) -> str:
    """What is wrong with the store, without its contents: no statement, no value."""
    name = getattr(error, "sqlite_errorname", "") or ""
    family = "_".join(name.split("_")[:2])
    return _SENTENCES.get(family, f"it answers with an error ({name or type(error).__name__})")


def unavailable(error: sqlite3.Error) -> Unavailable:
    """The error as what callers of a port expect."""
    return Unavailable(f"the store cannot be used: {sentence(error)}")


def refusal(path: Path, what: str) -> SettingsError:
    """A store that cannot be opened: a sentence for the operator, before listening."""
    return SettingsError(
        (Problem(path=_SETTING, line=None, message=f"the store {path} cannot be used: {what}"),)
    )
