"""A store with people in it, behind the configuration that every command accepts; the app of it is the demonstration's."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from proxy.demo.app import DemoApp
from proxy.identity import GroupName, Identity, IdpId, Subject
from proxy.provisioning.model import AccountId, Binding, Removed, Statement, Vouched
from proxy.reasons import Reason
from proxy.session.model import Ready, Session, SessionKey, Tokens
from proxy.settings.load import load
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store

ISSUER = "https://idp.example.com"
THEN = 1_760_000_000.0

Result = TypeVar("Result")


def subject(name: str) -> Subject:
    return Subject(issuer=ISSUER, subject=f"id-{name}")


def identity(name: str, *groups: str) -> Identity:
    return Identity(
        subject=subject(name),
        idp=IdpId("corp"),
        email=f"{name}@example.com",
        is_email_verified=True,
        name=name.title(),
        username=name,
        groups=frozenset(map(GroupName, groups)),
        stated_at=THEN,
    )


def vouched(name: str, *groups: str, at: float = THEN) -> Statement:
    said = identity(name, *groups)
    return Statement(
        source=IdpId("corp"),
        subject=said.subject,
        says=Vouched(identity=said),
        at=at,
        known_groups=said.groups,
    )


def removed(name: str, reason: Reason = Reason.IDP_DENIED, at: float = THEN + 1) -> Statement:
    return Statement(source=IdpId("corp"), subject=subject(name), says=Removed(reason=reason), at=at)


def in_store(config: Path, work: Callable[[SqliteStore], Awaitable[Result]]) -> Result:
    """What `work` returns; the store is made when absent."""

    async def run() -> Result:
        settings = load(config, {})
        store = open_store(settings.store.sqlite, load_keyring(settings.keys_file))
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def add_member(store: SqliteStore, name: str, account: str, *groups: str) -> None:
    """Somebody bound to an account, whose entry is done."""
    entry = await store.outbox.note(vouched(name, *groups), THEN)
    claim = await store.outbox.claim(holder="test", now=THEN, seconds=20, entry_id=entry.id)
    assert claim is not None
    binding = Binding(subject=subject(name), account_id=AccountId(account), login=name)
    bound = await store.outbox.bind(claim, binding)
    assert bound is not None
    await store.outbox.ack(bound, now=THEN)


async def add_session(store: SqliteStore, name: str, account: str, *groups: str) -> SessionKey:
    """A live session of theirs."""
    said = identity(name, *groups)
    key = SessionKey(f"{account:0>64}")
    session = Session(
        key=key,
        subject=said.subject,
        idp=said.idp,
        identity=said,
        account=Ready(login=name, account_id=account),
        tokens=Tokens(refresh_token="a-secret-refresh-token"),
        created_at=THEN,
        last_seen_at=THEN,
        refreshed_at=THEN,
        due_at=THEN + 3600,
    )
    await store.sessions.create(session)
    return key


@contextmanager
def app_running() -> Iterator[DemoApp]:
    """The demonstration's app in a thread of its own, for commands that run a loop themselves."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Awaitable[object]) -> None:
        async def done() -> None:
            await work

        asyncio.run_coroutine_threadsafe(done(), loop).result(20)

    app = DemoApp("hunter2")
    run(app.start())
    try:
        yield app
    finally:
        run(app.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def pointed_at(config: Path, app: DemoApp) -> Path:
    """The configuration with the running app in it."""
    config.write_text(config.read_text().replace("http://127.0.0.1:3001", app.url))
    return config
