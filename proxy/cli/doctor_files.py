"""The doctor on this machine: the configuration, the key file, the store. Nothing is made, migrated or changed.

A server may run on the same store: everything is read beside it.
"""

import asyncio
import os
import sqlite3
import stat
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from proxy.app.storing import Store, open_store
from proxy.cli.doctor_finding import Finding, Findings, failed, ok, warning
from proxy.cli.doctor_store import examine_server
from proxy.errors import SettingsError, Unavailable
from proxy.groups.stored import Ruled
from proxy.identity import Identity, IdpId
from proxy.provisioning.model import Entry, EntryState, Vouched
from proxy.provisioning.outbox import OutboxFigures
from proxy.session.codec import KeyRing
from proxy.session.model import Session
from proxy.settings.load import load
from proxy.settings.model import Settings
from proxy.settings.overrides import environment
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.faults import sentence
from proxy.storage.sqlite.schema import MIGRATIONS, version_of

MOST_PEOPLE: Final = 1_000_000
MOST_SESSIONS: Final = 10_000
LONG_OPEN: Final = 300.0
"""Seconds after which an entry that nobody carried out is worth a look: a courier needs one minute at most."""

_NOT_YET: Final = "muster serve makes it when it starts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the store tells about partners. `vouched` is each person's last identity of each source, newest first (without an
    app's admin API: as their sessions know it);
    `refreshable` says of each session whether it holds a refresh token. All empty without a store."""

    ruled: Ruled = field(default_factory=Ruled)
    vouched: tuple[Identity, ...] = ()
    refreshable: tuple[tuple[IdpId, bool], ...] = ()
    members: int = 0
    login: str | None = None


def examine_configuration(path: Path) -> tuple[Settings | None, Findings]:
    """The settings, None where they cannot be served; every mistake and every doubt is a finding."""
    try:
        settings = load(path, environment())
    except SettingsError as error:
        advice = "correct it; muster check names every mistake"
        return None, [failed("configuration", str(problem), advice) for problem in error.problems]
    found = [warning("configuration", str(one)) for one in settings.warnings]
    if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        found.append(
            warning("configuration", f"others may write {path} (mode {_mode(path)})", f"chmod go-w {path}")
        )
    return settings, found or [ok("configuration", f"{path} loads")]


def examine_store(settings: Settings) -> tuple[Stored, Findings]:
    """What is in the store, and how key file and store stand."""
    ring, keys = _keys(settings.keys_file)
    if settings.store.redis is not None:
        where, found, is_openable = "", *examine_server(settings.store.redis)
    else:
        where, found, is_openable = _examine_file(settings.store.sqlite)
    found = [keys, *found]
    if not is_openable:
        return Stored(), found
    if ring is None:
        return Stored(), [*found, _without_keys(settings)]
    try:
        stored, seen = asyncio.run(_read(settings, ring, where))
    except (SettingsError, Unavailable) as error:
        advice = "see docs/operations.md, files and permissions"
        return Stored(), [*found, failed("store", _why(error), advice)]
    return stored, [*found, *seen]


def _without_keys(settings: Settings) -> Finding:
    """A shared store may be new, or be that of other replicas; a file that is there was made together with its keys."""
    if settings.store.redis is not None and not settings.keys_file.exists():
        advice = "a further replica needs the same key file; at the first start muster serve makes it"
        return warning("store", "was not read: there are no keys", advice)
    return failed("store", "cannot be read without its keys", "put the key file right")


def _examine_file(path: Path) -> tuple[str, Findings, bool]:
    """How the file is called in the report, what there is to say about it, and whether it may be opened."""
    if not path.exists():
        return "", [warning("store", f"there is no {path} yet", _NOT_YET)], False
    found, fault = _modes(path), _not_openable(path)
    return f"{path} opens (mode {_mode(path)})", [*found, *([fault] if fault else [])], fault is None


def _why(error: SettingsError | Unavailable) -> str:
    return error.reason if isinstance(error, Unavailable) else "; ".join(map(str, error.problems))


def _keys(path: Path) -> tuple[KeyRing | None, Finding]:
    if not path.exists():
        return None, warning("key file", f"there is no {path} yet", _NOT_YET)
    try:
        ring = load_keyring(path)
    except SettingsError as error:
        return None, failed("key file", _why(error))
    return ring, ok("key file", f"{path} holds {len(ring.keys)} (mode {_mode(path)})")


def _modes(path: Path) -> Findings:
    """The store holds sealed tokens and people's addresses: it is nobody else's."""
    there = [one for one in (path, Path(f"{path}-wal"), Path(f"{path}-shm")) if one.exists()]
    loose = [one for one in there if one.stat().st_mode & 0o077]
    found = [
        warning("store", f"others may open {one} (mode {_mode(one)})", f"chmod 600 {one}") for one in loose
    ]
    if path.stat().st_uid not in (os.geteuid(), 0):
        advice = "run commands as the user that runs muster serve"
        found.append(warning("store", f"{path} is another user's", advice))
    return found


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def _not_openable(path: Path) -> Finding | None:
    """Looked at read-only first: to open an older store is to bring it to the newest schema."""
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)
        ) as connection:
            found = version_of(connection)
    except sqlite3.Error as error:
        return failed("store", f"{path}: {sentence(error)}", "run as the user that runs muster serve")
    if found < len(MIGRATIONS):
        seen = f"{path} has schema {found} of {len(MIGRATIONS)}; it was not opened"
        return warning("store", seen, "the next muster serve brings it to the newest: back it up before")
    return None


async def _read(settings: Settings, ring: KeyRing, where: str) -> tuple[Stored, Findings]:
    store = await open_store(settings, ring)
    try:
        return await _stored(store), await _figures(store, where or "it opens")
    finally:
        await store.close()


async def _stored(store: Store) -> Stored:
    bindings = await store.bindings.all_bindings()
    sessions = await store.sessions.last_used_before(time.time() + LONG_OPEN, MOST_SESSIONS)
    return Stored(
        ruled=await store.rulings.ruled(),
        vouched=_vouched(await store.outbox.entries(None, MOST_PEOPLE), sessions),
        refreshable=tuple((one.idp, one.tokens.refresh_token is not None) for one in sessions),
        members=await store.bindings.count_members(),
        login=next((one.login for one in bindings if not one.is_blocked), None),
    )


def _vouched(entries: tuple[Entry, ...], sessions: Iterable[Session]) -> tuple[Identity, ...]:
    said = [
        (one.at, one.seq, one.says.identity)
        for entry in entries
        for one in entry.statements
        if isinstance(one.says, Vouched)
    ]
    if not said:
        newest = sorted(sessions, key=lambda one: one.refreshed_at)
        return tuple(reversed({one.subject: one.identity for one in newest}.values()))
    return tuple(identity for *_, identity in sorted(said, key=lambda one: one[:2], reverse=True))


async def _figures(store: Store, where: str) -> Findings:
    now = time.time()
    figures, latched = await store.outbox.figures(now), await store.ledger.latched()
    unreadable = await store.count_unreadable()
    found = [*_waiting(figures)]
    if latched or figures.held:
        seen = f"the guard holds {figures.held} people; latched: {', '.join(sorted(latched)) or 'nothing'}"
        found.append(warning("store", seen, "muster held list"))
    if unreadable:
        seen = f"{unreadable} sessions are sealed under keys that the key file does not hold"
        found.append(
            warning("store", seen, "put the old key back below the new one, or let them sign in again")
        )
    return found or [ok("store", f"{where}; nothing waits in it")]


def _waiting(figures: OutboxFigures) -> Findings:
    found: Findings = []
    if figures.parked:
        found.append(
            warning(
                "store", f"{figures.parked} {EntryState.PARKED.value}: the app refused", "muster parked list"
            )
        )
    if figures.open and figures.oldest_open_age > LONG_OPEN:
        seen = f"{figures.open} changes wait for the app, the oldest for {figures.oldest_open_age:.0f} s"
        found.append(warning("store", seen, "see whether muster serve runs and the app answers"))
    return found
