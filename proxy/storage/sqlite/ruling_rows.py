"""Rulings as rows: plain functions of a connection, each run inside one transaction. Every change grows the version."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final

from proxy.groups.links import normal
from proxy.groups.rules import AppGroupName, Link, LinkMode
from proxy.groups.stored import Origin, Ruled, StoredDenial, StoredLink, Switch
from proxy.identity import GroupName, IdpId

PROVISIONING: Final = "provisioning"


def version_of_rulings(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT version FROM rulings").fetchone()[0])


def read_ruled(connection: sqlite3.Connection) -> Ruled:
    """Everything, with its version."""
    return Ruled(
        version=version_of_rulings(connection),
        links=_links(connection),
        denials=_denials(connection),
        provisioning=_switch(connection),
    )


def write_link(connection: sqlite3.Connection, link: Link, origin: Origin) -> None:
    """The link, in place of one of the same app group."""
    connection.execute(
        "INSERT INTO links (app_group, idp_groups, mode, idps, ruled_by, ruled_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (app_group) DO UPDATE SET idp_groups = excluded.idp_groups, mode = excluded.mode,"
        " idps = excluded.idps, ruled_by = excluded.ruled_by, ruled_at = excluded.ruled_at",
        (
            normal(link.app_group),
            _text(link.idp_groups),
            link.mode.value,
            _text(link.idps),
            origin.by,
            origin.at,
        ),
    )
    _grow(connection)


def delete_link(connection: sqlite3.Connection, group: AppGroupName) -> bool:
    return _changed(connection, connection.execute("DELETE FROM links WHERE app_group = ?", (normal(group),)))


def write_denial(connection: sqlite3.Connection, who: str, origin: Origin) -> bool:
    done = connection.execute(
        "INSERT INTO denials (who, ruled_by, ruled_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (who, origin.by, origin.at),
    )
    return _changed(connection, done)


def delete_denial(connection: sqlite3.Connection, who: str) -> bool:
    return _changed(connection, connection.execute("DELETE FROM denials WHERE who = ?", (who,)))


def write_switch(connection: sqlite3.Connection, is_on: bool, origin: Origin) -> bool:
    """A switch that nobody touched stands on."""
    held = _switch(connection)
    if is_on == (held is None or held.is_on):
        return False
    connection.execute(
        "INSERT INTO switches (name, is_on, ruled_by, ruled_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on, ruled_by = excluded.ruled_by, ruled_at = excluded.ruled_at",
        (PROVISIONING, is_on, origin.by, origin.at),
    )
    _grow(connection)
    return True


def _links(connection: sqlite3.Connection) -> tuple[StoredLink, ...]:
    rows = connection.execute(
        "SELECT app_group, idp_groups, mode, idps, ruled_by, ruled_at FROM links ORDER BY app_group"
    )
    return tuple(
        StoredLink(
            link=Link(
                app_group=AppGroupName(group),
                idp_groups=frozenset(map(GroupName, json.loads(names))),
                mode=LinkMode(mode),
                idps=frozenset(map(IdpId, json.loads(idps))),
            ),
            origin=Origin(by=by, at=at),
        )
        for group, names, mode, idps, by, at in rows
    )


def _denials(connection: sqlite3.Connection) -> tuple[StoredDenial, ...]:
    rows = connection.execute("SELECT who, ruled_by, ruled_at FROM denials ORDER BY who")
    return tuple(StoredDenial(who=who, origin=Origin(by=by, at=at)) for who, by, at in rows)


def _switch(connection: sqlite3.Connection) -> Switch | None:
    row = connection.execute(
        "SELECT is_on, ruled_by, ruled_at FROM switches WHERE name = ?", (PROVISIONING,)
    ).fetchone()
    return None if row is None else Switch(is_on=bool(row[0]), origin=Origin(by=row[1], at=row[2]))


def _changed(connection: sqlite3.Connection, done: sqlite3.Cursor) -> bool:
    if done.rowcount:
        _grow(connection)
    return bool(done.rowcount)


def _grow(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE rulings SET version = version + 1")


def _text(names: Iterable[str]) -> str:
    return json.dumps(sorted(names), ensure_ascii=False)
