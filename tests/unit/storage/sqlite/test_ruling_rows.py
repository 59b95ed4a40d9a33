"""Rulings as rows; what they promise stands in `tests/contract/test_rulings.py`."""

import json
import sqlite3

from proxy.groups.rules import AppGroupName, Link
from proxy.groups.stored import Origin
from proxy.identity import GroupName
from proxy.storage.sqlite.ruling_rows import (
    delete_denial,
    delete_link,
    read_ruled,
    version_of_rulings,
    write_denial,
    write_link,
    write_switch,
)

ORIGIN = Origin(by="cli", at=1.0)


def test_names_are_kept_as_readable_json_in_one_order(connection: sqlite3.Connection) -> None:
    names = frozenset(map(GroupName, ("ops, night", "Ärzte", "a")))
    write_link(connection, Link(app_group=AppGroupName("X"), idp_groups=names), ORIGIN)
    (text,) = connection.execute("SELECT idp_groups FROM links").fetchone()
    assert json.loads(text) == ["a", "ops, night", "Ärzte"]
    assert "Ä" in text
    assert read_ruled(connection).links[0].link.idp_groups == names


def test_a_change_and_its_version_are_one_transaction(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    write_denial(connection, "ada@example.com", ORIGIN)
    write_switch(connection, False, ORIGIN)
    assert version_of_rulings(connection) == 2
    connection.execute("ROLLBACK")
    assert version_of_rulings(connection) == 0
    assert read_ruled(connection).denials == ()
    assert read_ruled(connection).provisioning is None


def test_taking_out_what_is_not_there_changes_nothing(connection: sqlite3.Connection) -> None:
    assert not delete_link(connection, AppGroupName("X"))
    assert not delete_denial(connection, "ada@example.com")
    assert version_of_rulings(connection) == 0
