"""The store, opened beside a running server."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from proxy.app.storing import Store
from proxy.cli.store import Listed, entries_in, entry_documents, now, print_entries, with_store
from proxy.errors import SettingsError
from proxy.identity import NOT_STATED, Identity, IdpId, Subject
from proxy.provisioning.model import AccountId, Entry, EntryState, Removed, Statement, Vouched
from proxy.reasons import Reason
from proxy.settings.load import load
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import THEN, add_member, removed
from tests.fakes.commands import in_store as commands_store

InStore = Callable[[Callable[[SqliteStore], Awaitable[None]]], Awaitable[None]]
SUBJECT = Subject(issuer="https://idp.example.com", subject="a1")


def identity(email: str | None) -> Identity:
    return Identity(
        subject=SUBJECT,
        idp=IdpId("corp"),
        email=email,
        is_email_verified=True,
        name=None,
        username=None,
        groups=NOT_STATED,
        stated_at=1.0,
    )


def entry(*, email: str | None = None, account: str | None = None, is_removed: bool = False) -> Entry:
    says = Removed(reason=Reason.IDP_DENIED) if is_removed else Vouched(identity=identity(email))
    return Entry(
        id=7,
        account_id=AccountId(account) if account else None,
        statements=(Statement(source=IdpId("corp"), subject=SUBJECT, says=says, at=1.0),),
        state=EntryState.PARKED,
        version=1,
        reason=Reason.LOGIN_TAKEN,
        detail="one\ntwo",
        since=1_700_000_000.0,
    )


def test_without_a_store_nothing_is_made(config: Path) -> None:
    async def work(store: Store) -> int:
        return 1

    with pytest.raises(SettingsError, match="has not run with this configuration"):
        with_store(load(config, {}), work)
    assert not (config.parent / "muster.db").exists()
    assert not (config.parent / "muster.keys").exists()


async def make(in_store: InStore) -> None:
    async def nothing(store: SqliteStore) -> None:
        await store.sessions.ping()

    await in_store(nothing)


def test_what_the_work_returns_comes_back(config: Path, in_store: InStore) -> None:
    import asyncio

    asyncio.run(make(in_store))

    async def work(store: Store) -> int:
        return len(await store.outbox.entries(None, 10))

    assert with_store(load(config, {}), work) == 0


@pytest.mark.parametrize(
    ("shown", "who"),
    [
        (entry(email="alice@example.com", account="12"), "alice@example.com"),
        (entry(account="12"), "account 12"),
        (entry(), "a1"),
        (entry(is_removed=True, account="12"), "account 12"),
        (entry(is_removed=True, account="13"), "carol"),
    ],
)
def test_an_entry_is_named_by_what_an_operator_knows(
    shown: Entry, who: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_entries(Listed(entries=(shown,), logins={"13": "carol"}))
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split("  ")[1].strip() == who or who in row
    assert "2023-11-14 22:13:20Z" in row
    assert "login_taken" in row
    assert "one, two" in row


def test_now_is_the_wall_clock() -> None:
    assert now() > 1_600_000_000


def test_somebody_removed_is_listed_by_their_login(config: Path) -> None:
    async def work(store: SqliteStore) -> None:
        await add_member(store, "carol", "27")
        await store.outbox.note(removed("carol"), THEN + 1)

    commands_store(config, work)
    listed = with_store(load(config, {}), lambda store: entries_in(store, EntryState.OPEN))
    (document,) = entry_documents(listed)
    assert (document["who"], document["account"], document["login"]) == ("carol", "27", "carol")
