"""Leases on sessions, in the session's own row: one update grants it, and a session that is gone has none to give."""

import sqlite3
from dataclasses import replace

from proxy.session.model import SessionKey
from proxy.session.store import Lease


def grant_lease(
    connection: sqlite3.Connection, key: SessionKey, *, holder: str, now: float, until: float
) -> Lease | None:
    """A lease with the next fence; None while another holder's is unexpired, or without a session."""
    row = connection.execute(
        "UPDATE sessions SET holder = ?, leased_until = ?, fence = fence + 1"
        " WHERE key = ? AND (holder IS NULL OR holder = ? OR leased_until <= ?) RETURNING fence",
        (holder, until, key, holder, now),
    ).fetchone()
    return None if row is None else Lease(key=key, holder=holder, fence=row[0], until=until)


def extend_lease(connection: sqlite3.Connection, lease: Lease, *, until: float) -> Lease | None:
    """The lease until later; None when somebody else was granted one since, or the session ended."""
    done = connection.execute(
        "UPDATE sessions SET leased_until = ? WHERE key = ? AND holder = ? AND fence = ?",
        (until, lease.key, lease.holder, lease.fence),
    )
    return replace(lease, until=until) if done.rowcount else None


def drop_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Give it back. The fence stays: a later write under this lease is refused."""
    connection.execute(
        "UPDATE sessions SET holder = NULL, leased_until = 0 WHERE key = ? AND holder = ? AND fence = ?",
        (lease.key, lease.holder, lease.fence),
    )
