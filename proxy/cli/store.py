"""The store, opened beside a running server by a command that looks into it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from proxy.app.storing import Store, open_store
from proxy.cli.table import print_table
from proxy.errors import Problem, SettingsError
from proxy.provisioning.model import Entry, EntryState, Vouched
from proxy.session.codec import KeyRing
from proxy.settings.model import Settings
from proxy.storage.keyring import load_keyring

Result = TypeVar("Result")
_ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Outbox entries, and the app's logins by account id: of somebody removed nothing else is known."""

    entries: tuple[Entry, ...]
    logins: Mapping[str, str] = field(default_factory=dict)


def with_store(
    settings: Settings, work: Callable[[Store], Awaitable[Result]], *, ring: KeyRing | None = None
) -> Result:
    """What `work` returns; the store opens with the key file's ring unless another is given.

    Raises SettingsError when there is no store yet or it cannot be opened, and Unavailable.
    """
    for path in settings.files:
        if not path.exists():
            message = f"there is no {path} yet: Muster has not run with this configuration"
            raise SettingsError((Problem(path="", line=None, message=message),))
    return asyncio.run(_run(settings, ring or load_keyring(settings.keys_file), work))


async def _run(settings: Settings, ring: KeyRing, work: Callable[[Store], Awaitable[Result]]) -> Result:
    store = await open_store(settings, ring)
    try:
        return await work(store)
    finally:
        await store.close()


def now() -> float:
    """The wall clock, in seconds since the epoch."""
    return time.time()


async def entries_in(store: Store, state: EntryState) -> Listed:
    """The outbox entries of a state, with the logins of whoever is bound."""
    logins: dict[str, str] = {}
    for binding in await store.bindings.all_bindings():
        logins.setdefault(binding.account_id, binding.login)
    return Listed(entries=await store.outbox.entries(state, _ALL), logins=logins)


def print_entries(listed: Listed) -> None:
    """A table of outbox entries."""
    heads = ("entry", "who", "since", "reason", "detail")
    print_table(heads, [_row(entry, listed.logins) for entry in listed.entries])


def entry_documents(listed: Listed) -> list[dict[str, Any]]:
    """Outbox entries for JSON."""
    return [
        {
            "entry": entry.id,
            "who": _who(entry, listed.logins),
            "account": entry.account_id,
            "login": listed.logins.get(entry.account_id or ""),
            "since": entry.since,
            "reason": entry.reason.value if entry.reason else None,
            "detail": entry.detail,
        }
        for entry in listed.entries
    ]


def _row(entry: Entry, logins: Mapping[str, str]) -> tuple[str, ...]:
    since = datetime.fromtimestamp(entry.since, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return str(entry.id), _who(entry, logins), since, entry.reason or "", entry.detail.replace("\n", ", ")


def _who(entry: Entry, logins: Mapping[str, str]) -> str:
    """The address, if an IdP states one; else the login or the account's id, or the subject."""
    emails = [said.says.identity.email for said in entry.statements if isinstance(said.says, Vouched)]
    named = next((email for email in emails if email), None)
    if named:
        return named
    subjects = [said.subject.subject for said in entry.statements]
    if entry.account_id is None:
        return (subjects or ["?"])[0]
    return logins.get(entry.account_id) or f"account {entry.account_id}"
