"""Seats as rows: an active account holds one for as long as it is active, a newcomer's reservation for a while.

`who` is `account:ID` or `person:...`. Plain functions of a connection, each run inside one transaction.
"""

import sqlite3
from collections.abc import Iterable

_TAKEN = "until IS NULL OR until > ?"


def reserve(connection: sqlite3.Connection, person: str, limit: int, *, now: float, until: float) -> bool:
    """Whether the person holds a seat until then. Somebody who holds one already keeps it, whatever the limit is now."""
    who = f"person:{person}"
    connection.execute("DELETE FROM seats WHERE until <= ?", (now,))
    held = connection.execute("UPDATE seats SET until = ? WHERE who = ?", (until, who)).rowcount
    if held:
        return True
    if count(connection, now) >= limit:
        return False
    connection.execute("INSERT INTO seats (who, at, until) VALUES (?, ?, ?)", (who, now, until))
    return True


def settle(connection: sqlite3.Connection, person: str, account: str, *, now: float) -> None:
    """The account is active; the reservation made for it is over."""
    give_back(connection, person)
    connection.execute(
        "INSERT INTO seats (who, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, until = NULL",
        (f"account:{account}", now),
    )


def give_back(connection: sqlite3.Connection, person: str) -> None:
    connection.execute("DELETE FROM seats WHERE who = ?", (f"person:{person}",))


def vacate(connection: sqlite3.Connection, account: str) -> None:
    """The account is active no more."""
    connection.execute("DELETE FROM seats WHERE who = ?", (f"account:{account}",))


def recount(
    connection: sqlite3.Connection, accounts: Iterable[str] | None, *, looked_at: float, now: float
) -> None:
    """The active accounts, as the app showed them when it was `looked_at`; None: those of our bindings that are not blocked.

    Seats taken since stay: the look cannot have shown them.
    """
    connection.execute("DELETE FROM seats WHERE until IS NULL AND at < ?", (looked_at,))
    if accounts is None:
        connection.execute(
            "INSERT INTO seats (who, at) SELECT DISTINCT 'account:' || account_id, ? FROM bindings"
            " WHERE NOT is_blocked ON CONFLICT DO NOTHING",
            (looked_at,),
        )
    else:
        connection.executemany(
            "INSERT INTO seats (who, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            ((f"account:{account}", looked_at) for account in accounts),
        )
    connection.execute(
        "INSERT INTO seat_count (one, counted_at) VALUES (1, ?)"
        " ON CONFLICT DO UPDATE SET counted_at = excluded.counted_at",
        (now,),
    )


def count(connection: sqlite3.Connection, now: float) -> int:
    row = connection.execute(f"SELECT count(*) FROM seats WHERE {_TAKEN}", (now,)).fetchone()  # noqa: S608 -- ours
    return int(row[0])


def counted_at(connection: sqlite3.Connection) -> float | None:
    row = connection.execute("SELECT counted_at FROM seat_count").fetchone()
    return None if row is None else float(row[0])
