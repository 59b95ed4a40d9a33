"""The tables, as numbered migrations; `PRAGMA user_version` is the number a file stands at.

A migration that was released is never edited: a change is a new one at the end. Tokens are only ever in `sessions.sealed`;
the other columns are what queries need. Times are seconds since the epoch.
"""

import sqlite3
from typing import Final

APPLICATION_ID: Final = 0x4D535452
"""`MSTR`, in the file's header: a database of another program is refused instead of being filled with our tables."""

_FIRST: Final = """
CREATE TABLE sessions (
    key TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    idp TEXT NOT NULL,
    sealed BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at REAL NOT NULL,
    last_seen_at REAL NOT NULL,
    due_at REAL NOT NULL,
    next_attempt_at REAL,
    holder TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    leased_until REAL NOT NULL DEFAULT 0
);
CREATE INDEX sessions_subject ON sessions (issuer, subject);
CREATE INDEX sessions_idp ON sessions (idp);
CREATE INDEX sessions_due ON sessions (due_at);
CREATE INDEX sessions_seen ON sessions (last_seen_at);
CREATE INDEX sessions_created ON sessions (created_at);

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    has_ended INTEGER NOT NULL,
    noticed_at REAL
);

CREATE TABLE attempts (state_hash TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX attempts_until ON attempts (until);

CREATE TABLE suspicions (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    idp TEXT NOT NULL,
    started_at REAL NOT NULL,
    fires_at REAL NOT NULL,
    PRIMARY KEY (issuer, subject)
) WITHOUT ROWID;
CREATE INDEX suspicions_fires ON suspicions (fires_at);
CREATE TABLE suspicion_starts (idp TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX suspicion_starts_at ON suspicion_starts (idp, at);
CREATE TABLE freezes (idp TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;

CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT UNIQUE,
    issuer TEXT,
    subject TEXT,
    statements TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at REAL NOT NULL,
    reason TEXT,
    detail TEXT NOT NULL DEFAULT '',
    creating TEXT,
    since REAL NOT NULL,
    holder TEXT,
    token INTEGER NOT NULL DEFAULT 0,
    claimed_until REAL NOT NULL DEFAULT 0,
    UNIQUE (issuer, subject),
    CHECK ((account_id IS NULL) = (issuer IS NOT NULL AND subject IS NOT NULL))
);
CREATE INDEX entries_waiting ON entries (since, id) WHERE state = 'open';
CREATE INDEX entries_state ON entries (state, since);

CREATE TABLE sequence (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL);
INSERT INTO sequence VALUES (1, 0);

CREATE TABLE bindings (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account_id TEXT NOT NULL,
    login TEXT NOT NULL,
    granted_role TEXT,
    is_blocked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (issuer, subject)
) WITHOUT ROWID;
CREATE INDEX bindings_account ON bindings (account_id);

CREATE TABLE memberships (
    account_id TEXT NOT NULL,
    app_group TEXT NOT NULL,
    PRIMARY KEY (account_id, app_group)
) WITHOUT ROWID;
CREATE INDEX memberships_group ON memberships (app_group);

CREATE TABLE counted (
    scope TEXT NOT NULL,
    person TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (scope, person)
) WITHOUT ROWID;
CREATE INDEX counted_at ON counted (at);
CREATE TABLE latches (scope TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
"""

_RULINGS: Final = """
CREATE TABLE rulings (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    carried INTEGER NOT NULL
);
INSERT INTO rulings VALUES (1, 0, 0);
CREATE TABLE links (
    app_group TEXT PRIMARY KEY,
    idp_groups TEXT NOT NULL,
    mode TEXT NOT NULL,
    idps TEXT NOT NULL,
    ruled_by TEXT NOT NULL,
    ruled_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE denials (who TEXT PRIMARY KEY, ruled_by TEXT NOT NULL, ruled_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE switches (
    name TEXT PRIMARY KEY,
    is_on INTEGER NOT NULL,
    ruled_by TEXT NOT NULL,
    ruled_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE kept (
    account_id TEXT PRIMARY KEY,
    statements TEXT NOT NULL,
    ruled_by TEXT NOT NULL,
    ruled_at REAL NOT NULL
) WITHOUT ROWID;

ALTER TABLE entries ADD COLUMN is_bulk INTEGER NOT NULL DEFAULT 0;
DROP INDEX entries_waiting;
CREATE INDEX entries_waiting ON entries (is_bulk, since, id) WHERE state = 'open';

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    issuer TEXT,
    subject TEXT,
    account_id TEXT,
    record TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_subject ON audit (issuer, subject) WHERE subject IS NOT NULL;
CREATE INDEX audit_account ON audit (account_id) WHERE account_id IS NOT NULL;
"""

_SEATS: Final = """
CREATE TABLE named_leases (
    name TEXT PRIMARY KEY,
    holder TEXT,
    fence INTEGER NOT NULL,
    leased_until REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE seats (
    who TEXT PRIMARY KEY,
    at REAL NOT NULL,
    until REAL
) WITHOUT ROWID;
CREATE TABLE seat_count (one INTEGER PRIMARY KEY CHECK (one = 1), counted_at REAL NOT NULL);

ALTER TABLE bindings ADD COLUMN last_active_at REAL NOT NULL DEFAULT 0;
UPDATE bindings SET last_active_at = CAST(strftime('%s', 'now') AS REAL);
CREATE INDEX bindings_active ON bindings (last_active_at);
"""

_IDP_SESSIONS: Final = """
ALTER TABLE sessions ADD COLUMN sid_hash TEXT;
CREATE INDEX sessions_sid ON sessions (idp, sid_hash) WHERE sid_hash IS NOT NULL;
CREATE INDEX sessions_sealed_by ON sessions (substr(sealed, 2, 4));
"""
# What is sealed cannot be read here: sessions of an older file get their hash at their next save, within the hour.

MIGRATIONS: Final[tuple[str, ...]] = (_FIRST, _RULINGS, _SEATS, _IDP_SESSIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """The migration that the file stands at; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_foreign(connection: sqlite3.Connection) -> bool:
    """Whether the file is another program's database. An empty file is nobody's."""
    has_tables = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is not None
    # Asked second: a process that starts with us may commit tables and mark together between the two questions.
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    return has_tables and owner != APPLICATION_ID


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema in one transaction; two processes that start together do it once."""
    if version_of(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _apply(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _apply(connection: sqlite3.Connection) -> None:
    """Run what is missing. Not `executescript`, which would commit the transaction first."""
    for script in MIGRATIONS[version_of(connection) :]:
        for statement in script.split(";\n"):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
