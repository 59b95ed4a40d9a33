"""Timers about people whose IdP asked to see them again (semantics §5.3), and the storm's measure."""

import sqlite3
from typing import Final

from proxy.identity import IdpId, Subject
from proxy.session.store import Suspicion

STARTS_KEPT_SECONDS: Final = 86_400.0


def start_timer(connection: sqlite3.Connection, suspicion: Suspicion) -> bool:
    """Start unless one runs for that person; only a start counts towards a storm."""
    done = connection.execute(
        "INSERT INTO suspicions (issuer, subject, idp, started_at, fires_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (
            suspicion.subject.issuer,
            suspicion.subject.subject,
            suspicion.idp,
            suspicion.started_at,
            suspicion.fires_at,
        ),
    )
    if done.rowcount:
        connection.execute(
            "INSERT INTO suspicion_starts (idp, at) VALUES (?, ?)", (suspicion.idp, suspicion.started_at)
        )
    return bool(done.rowcount)


def cancel_timer(connection: sqlite3.Connection, subject: Subject) -> bool:
    done = connection.execute(
        "DELETE FROM suspicions WHERE issuer = ? AND subject = ?", (subject.issuer, subject.subject)
    )
    return bool(done.rowcount)


def fired_timers(connection: sqlite3.Connection, now: float, limit: int) -> tuple[Suspicion, ...]:
    """Timers whose time has come, of IdPs that are not frozen; the oldest first."""
    rows = connection.execute(
        "SELECT issuer, subject, idp, started_at, fires_at FROM suspicions"
        " WHERE fires_at <= ? AND idp NOT IN (SELECT idp FROM freezes WHERE until > ?) ORDER BY fires_at LIMIT ?",
        (now, now, limit),
    )
    return tuple(
        Suspicion(
            subject=Subject(issuer=issuer, subject=subject),
            idp=IdpId(idp),
            started_at=started_at,
            fires_at=fires_at,
        )
        for issuer, subject, idp, started_at, fires_at in rows
    )


def count_starts(connection: sqlite3.Connection, idp: IdpId, since: float) -> int:
    row = connection.execute(
        "SELECT count(*) FROM suspicion_starts WHERE idp = ? AND at >= ?", (idp, since)
    ).fetchone()
    return int(row[0])


def freeze_timers(connection: sqlite3.Connection, idp: IdpId, until: float) -> None:
    """A later end wins over an earlier one, whatever their order."""
    connection.execute(
        "INSERT INTO freezes (idp, until) VALUES (?, ?) ON CONFLICT (idp) DO UPDATE SET until = max(until, excluded.until)",
        (idp, until),
    )


def trim_timers(connection: sqlite3.Connection, now: float) -> None:
    connection.execute("DELETE FROM suspicion_starts WHERE at < ?", (now - STARTS_KEPT_SECONDS,))
    connection.execute("DELETE FROM freezes WHERE until <= ?", (now,))
