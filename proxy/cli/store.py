"""The store, opened beside a running server by a command that looks into it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from proxy.app.storing import Store, open_store
from proxy.cli.table import print_table
from proxy.errors import Problem, SettingsError
from proxy.provisioning.model import Entry, Vouched
from proxy.session.codec import KeyRing
from proxy.settings.model import Settings
from proxy.storage.keyring import load_keyring

Result = TypeVar("Result")


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


def print_entries(entries: Iterable[Entry]) -> None:
    """A table of outbox entries."""
    heads = ("entry", "who", "since", "reason", "detail")
    print_table(heads, [_row(entry) for entry in entries])


def entry_documents(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Outbox entries for JSON."""
    return [
        {
            "entry": entry.id,
            "who": _who(entry),
            "account": entry.account_id,
            "since": entry.since,
            "reason": entry.reason.value if entry.reason else None,
            "detail": entry.detail,
        }
        for entry in entries
    ]


def _row(entry: Entry) -> tuple[str, ...]:
    since = datetime.fromtimestamp(entry.since, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return str(entry.id), _who(entry), since, entry.reason or "", entry.detail.replace("\n", ", ")


def _who(entry: Entry) -> str:
    """The address, if an IdP states one; else the account's id or the subject."""
    emails = [said.says.identity.email for said in entry.statements if isinstance(said.says, Vouched)]
    named = next((email for email in emails if email), None)
    if named:
        return named
    subjects = [said.subject.subject for said in entry.statements]
    return f"account {entry.account_id}" if entry.account_id else (subjects or ["?"])[0]
