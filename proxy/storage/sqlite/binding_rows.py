"""Bindings and memberships as rows, and what binding does to entries: plain functions inside one transaction."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from proxy.groups.rules import AppGroupName, RoleName
from proxy.identity import Subject
from proxy.provisioning.merge import merge_entries
from proxy.provisioning.model import AccountId, Binding, Entry
from proxy.provisioning.outbox import Claim, IdleBinding
from proxy.session.model import SessionKey
from proxy.storage.sqlite.claim_rows import is_held
from proxy.storage.sqlite.entry_rows import account_of, entry_by_id, select_entries
from proxy.storage.statements import statements_to_text


def select_bindings(
    connection: sqlite3.Connection, condition: str, values: tuple[object, ...]
) -> tuple[Binding, ...]:
    """The bindings that meet an SQL condition of ours."""
    rows = connection.execute(
        f"SELECT issuer, subject, account_id, login, granted_role, is_blocked FROM bindings WHERE {condition}",  # noqa: S608 -- ours
        values,
    )
    return tuple(_binding(row) for row in rows)


def bind_claimed(connection: sqlite3.Connection, claim: Claim, binding: Binding) -> Claim | None:
    """Write the binding and make the claimed entry the account's. None, and nothing written, when the claim was lost or the
    subject is bound to another account already.

    Statements that other entries held about the subject or the account are merged in. They count as newer than the claim:
    the entry it returns keeps the claim's version, so that an acknowledgement leaves the entry open for them.
    """
    bound_to = account_of(connection, binding.subject)
    if not is_held(connection, claim) or bound_to not in (None, binding.account_id):
        return None
    _upsert(connection, binding, max((one.at for one in claim.entry.statements), default=0.0))
    _absorb(connection, claim.entry.id, _entries_to_absorb(connection, claim, binding))
    connection.execute(
        "UPDATE entries SET account_id = ?, issuer = NULL, subject = NULL, creating = NULL WHERE id = ?",
        (binding.account_id, claim.entry.id),
    )
    return replace(claim, entry=_as_claimed(entry_by_id(connection, claim.entry.id), claim))


def rewrite_binding(connection: sqlite3.Connection, binding: Binding) -> None:
    """Login, granted role and block of a binding that exists."""
    connection.execute(
        "UPDATE bindings SET login = ?, granted_role = ?, is_blocked = ? WHERE issuer = ? AND subject = ? AND account_id = ?",
        (
            binding.login,
            binding.granted_role,
            binding.is_blocked,
            binding.subject.issuer,
            binding.subject.subject,
            binding.account_id,
        ),
    )


def delete_binding(connection: sqlite3.Connection, subject: Subject) -> None:
    """Forget the binding. The account's last subject takes the entry along; one of several leaves without its statements."""
    account = account_of(connection, subject)
    if account is None:
        return
    connection.execute(
        "DELETE FROM bindings WHERE issuer = ? AND subject = ?", (subject.issuer, subject.subject)
    )
    if select_bindings(connection, "account_id = ?", (account,)):
        _forget_statements(connection, account, subject)
    else:
        _hand_over(connection, account, subject)


def replace_memberships(
    connection: sqlite3.Connection, account: AccountId, groups: Iterable[AppGroupName]
) -> None:
    connection.execute("DELETE FROM memberships WHERE account_id = ?", (account,))
    connection.executemany(
        "INSERT INTO memberships (account_id, app_group) VALUES (?, ?)",
        ((account, group) for group in groups),
    )


def select_memberships(connection: sqlite3.Connection, account: AccountId) -> frozenset[AppGroupName]:
    rows = connection.execute("SELECT app_group FROM memberships WHERE account_id = ?", (account,))
    return frozenset(AppGroupName(name) for (name,) in rows)


def select_idle(
    connection: sqlite3.Connection, before: float, after: Subject | None, limit: int
) -> tuple[IdleBinding, ...]:
    """Whom nobody saw since `before`, neither in a session nor when their binding was made; the blocked are left out."""
    last = (after.issuer, after.subject) if after else ("", "")
    rows = connection.execute(
        "SELECT issuer, subject, account_id, login, granted_role, is_blocked, last_active_at FROM bindings AS one"
        " WHERE (issuer, subject) > (?, ?) AND NOT is_blocked AND last_active_at < ? AND NOT EXISTS"
        " (SELECT 1 FROM sessions WHERE issuer = one.issuer AND subject = one.subject AND last_seen_at >= ?)"
        " ORDER BY issuer, subject LIMIT ?",
        (*last, before, before, limit),
    )
    return tuple(IdleBinding(binding=_binding(row[:6]), last_active_at=row[6]) for row in rows)


def raise_last_active(connection: sqlite3.Connection, seen: Mapping[SessionKey, float]) -> None:
    """The people behind these sessions were active then."""
    connection.executemany(
        "UPDATE bindings SET last_active_at = ? WHERE last_active_at < ? AND (issuer, subject) ="
        " (SELECT issuer, subject FROM sessions WHERE key = ?)",
        ((at, at, key) for key, at in seen.items()),
    )


def _upsert(connection: sqlite3.Connection, binding: Binding, active_at: float) -> None:
    connection.execute(
        "INSERT INTO bindings (issuer, subject, account_id, login, granted_role, is_blocked, last_active_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET login = excluded.login, granted_role = excluded.granted_role,"
        " is_blocked = excluded.is_blocked, last_active_at = max(last_active_at, excluded.last_active_at)",
        (
            binding.subject.issuer,
            binding.subject.subject,
            binding.account_id,
            binding.login,
            binding.granted_role,
            binding.is_blocked,
            active_at,
        ),
    )


def _entries_to_absorb(connection: sqlite3.Connection, claim: Claim, binding: Binding) -> tuple[Entry, ...]:
    """Other entries of the account, or of the subject while it asked for one."""
    return select_entries(
        connection,
        "id <> ? AND (account_id = ? OR (issuer = ? AND subject = ?))",
        (claim.entry.id, binding.account_id, binding.subject.issuer, binding.subject.subject),
    )


def _absorb(connection: sqlite3.Connection, entry_id: int, others: tuple[Entry, ...]) -> None:
    """Merge the others in and delete them; whoever claimed one of them has lost that claim."""
    for other in others:
        connection.execute("DELETE FROM entries WHERE id = ?", (other.id,))
        merged = merge_entries(entry_by_id(connection, entry_id).statements, other.statements)
        connection.execute(
            "UPDATE entries SET statements = ?, version = version + 1, since = min(since, ?) WHERE id = ?",
            (statements_to_text(merged), other.since, entry_id),
        )


def _as_claimed(entry: Entry, claim: Claim) -> Entry:
    return replace(entry, version=claim.entry.version)


def _hand_over(connection: sqlite3.Connection, account: AccountId, subject: Subject) -> None:
    """The entry asks for an account again; a claim on it goes on."""
    replace_memberships(connection, account, ())
    connection.execute(
        "UPDATE entries SET account_id = NULL, issuer = ?, subject = ? WHERE account_id = ?",
        (subject.issuer, subject.subject, account),
    )


def _forget_statements(connection: sqlite3.Connection, account: AccountId, subject: Subject) -> None:
    for entry in select_entries(connection, "account_id = ?", (account,)):
        kept = tuple(one for one in entry.statements if one.subject != subject)
        connection.execute(
            "UPDATE entries SET statements = ?, version = version + 1 WHERE id = ?",
            (statements_to_text(kept), entry.id),
        )


def _binding(row: tuple[Any, ...]) -> Binding:
    issuer, subject, account, login, role, is_blocked = row
    return Binding(
        subject=Subject(issuer=issuer, subject=subject),
        account_id=AccountId(account),
        login=login,
        granted_role=None if role is None else RoleName(role),
        is_blocked=bool(is_blocked),
    )
