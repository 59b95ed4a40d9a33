"""SQLite's errors as sentences that hold no value of anybody's."""

import sqlite3
from pathlib import Path

import pytest

from proxy.errors import SettingsError
from proxy.storage.sqlite.faults import refusal, sentence, unavailable


def error(name: str, message: str = "secret value") -> sqlite3.Error:
    fault = sqlite3.OperationalError(message)
    fault.sqlite_errorname = name
    return fault


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SQLITE_BUSY", "locked by another process"),
        ("SQLITE_BUSY_SNAPSHOT", "locked by another process"),
        ("SQLITE_FULL", "disk is full"),
        ("SQLITE_IOERR_FSYNC", "disk fails"),
        ("SQLITE_READONLY_DBMOVED", "may not be written"),
        ("SQLITE_CANTOPEN", "cannot be opened"),
        ("SQLITE_CORRUPT", "damaged"),
        ("SQLITE_NOTADB", "not a database"),
    ],
)
def test_known_errors_have_a_sentence_whatever_their_detail(name: str, said: str) -> None:
    assert said in sentence(error(name))


@pytest.mark.parametrize("fault", [error("SQLITE_SOMETHING"), sqlite3.ProgrammingError("secret value")])
def test_an_unknown_error_gives_its_name_and_never_its_text(fault: sqlite3.Error) -> None:
    assert "answers with an error" in sentence(fault)
    assert "secret" not in str(unavailable(fault))


def test_a_store_that_cannot_be_opened_names_the_setting_and_the_file() -> None:
    fault = refusal(Path("/data/muster.db"), "it is damaged")
    assert isinstance(fault, SettingsError)
    assert str(fault) == "store.sqlite: the store /data/muster.db cannot be used: it is damaged"
