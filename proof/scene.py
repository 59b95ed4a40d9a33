"""What the proofs about members share: the app as a process, a store full of people, and a courier between them."""

import asyncio
import contextlib
import json
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp

from proof.big_app import PRESET, TOKEN, wanted
from proxy.apps.rest import open_app
from proxy.groups.rules import AppGroupName, GroupRules, JoinRules, Link
from proxy.identity import GroupName, Identity, IdpId, Subject
from proxy.provisioning.audit import AuditRecord
from proxy.provisioning.courier import Courier
from proxy.provisioning.linking import LinkRules
from proxy.provisioning.model import AccountId, Binding, EntryState, Statement, Vouched
from proxy.provisioning.rules import CourierRules
from proxy.session.codec import KeyRing, SealingKey
from proxy.session.model import AccountState
from proxy.storage.redis.place import Place
from proxy.storage.redis.store import RedisStore, make_store
from proxy.storage.sqlite.binding_rows import bind_claimed, replace_memberships
from proxy.storage.sqlite.claim_rows import acknowledge, take_claim
from proxy.storage.sqlite.engine import SqliteEngine
from proxy.storage.sqlite.entry_rows import note_statement
from proxy.storage.sqlite.store import SqliteStore

IDP = IdpId("corp")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRedis:
    """A store on a server, and a folder for what else there is."""

    place: Place
    folder: Path


Where: TypeAlias = Path | OnRedis
"""A store: a SQLite file in a folder of its own, or one on Redis."""

AnyStore: TypeAlias = SqliteStore | RedisStore
Known: TypeAlias = tuple[Statement, Binding, list[AppGroupName]]

LONG = 300.0
"""Seconds for one call to the store: filling it is one transaction."""


def ring() -> KeyRing:
    return KeyRing(keys=(SealingKey(secret=b"p" * 32),))


@contextlib.contextmanager
def app_process(**figures: int) -> Iterator[str]:
    """The address of a `BigApp` that runs until the block ends."""
    words = [word for name, figure in figures.items() for word in (f"--{name}", str(figure))]
    command = [sys.executable, "-m", "proof.big_app", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


def control(url: str) -> dict[str, Any]:
    """What the app was asked, and what it is like now."""
    with urllib.request.urlopen(f"{url}/control", timeout=30) as answer:
        document: dict[str, Any] = json.loads(answer.read())
    return document


def begin_anew(url: str) -> None:
    """The app as it was at its start."""
    with urllib.request.urlopen(f"{url}/control", data=b"", timeout=30):
        return


def changing(calls: dict[str, int]) -> int:
    return sum(number for method, number in calls.items() if method != "GET")


def subject(login: str) -> Subject:
    return Subject(issuer="https://idp.example.com", subject=login)


def stated(login: str, groups: frozenset[GroupName], at: float) -> Statement:
    identity = Identity(
        subject=subject(login),
        idp=IDP,
        email=f"{login}@example.com",
        is_email_verified=True,
        name=login,
        username=login,
        groups=groups,
        stated_at=at,
    )
    return Statement(
        source=IDP, subject=identity.subject, says=Vouched(identity=identity), at=at, known_groups=groups
    )


def rules_for(groups: int, **changes: Any) -> CourierRules:
    links = tuple(
        Link(app_group=AppGroupName(f"group {n}"), idp_groups=frozenset({GroupName(f"idp {n}")}))
        for n in range(groups)
    )
    plain: dict[str, Any] = {
        "link": LinkRules(join=JoinRules(domains=frozenset({"example.com"})), logins=("{username}",)),
        "groups": GroupRules(links=links),
        "creations_per_hour": 100_000,
        "poll": 0.05,
    }
    return CourierRules(**plain | changes)


async def fill(where: Where, members: int, groups: int, at: float) -> None:
    """Everybody bound and settled."""
    people = [*_people(members, groups, at)]
    if isinstance(where, Path):
        await _fill_file(where, people, at)
    else:
        await _fill_server(where.place, people, at)


def _people(members: int, groups: int, at: float) -> Iterator[Known]:
    """What is known of each: the last statement, the binding, and the groups they are in."""
    for person in range(1, members + 1):
        login, own = f"person{person}", wanted(person, groups)
        said = stated(login, frozenset(GroupName(f"idp {n}") for n in own), at)
        bound = Binding(subject=said.subject, account_id=AccountId(str(person)), login=login)
        yield said, bound, [AppGroupName(f"group {n}") for n in own]


async def _fill_file(path: Path, people: Iterable[Known], at: float) -> None:
    """In one transaction."""
    engine = SqliteEngine(path, timeout=LONG)

    def transaction(connection: Any) -> None:
        for said, binding, groups in people:
            entry = note_statement(connection, said, at)
            claim = take_claim(connection, holder="fill", now=at, until=at + 20, entry_id=entry.id)
            assert claim is not None
            bound = bind_claimed(connection, claim, binding)
            assert bound is not None
            acknowledge(connection, bound, at)
            replace_memberships(connection, binding.account_id, groups)

    await engine.write(transaction)
    await engine.close()


async def _fill_server(place: Place, people: Iterable[Known], at: float) -> None:
    """As a courier would, one after the other."""
    store = make_store(place, ring())
    for said, binding, groups in people:
        entry = await store.outbox.note(said, at)
        claim = await store.outbox.claim(holder="fill", now=at, seconds=20, entry_id=entry.id)
        assert claim is not None
        bound = await store.outbox.bind(claim, binding)
        assert bound is not None
        await store.outbox.ack(bound, now=at)
        await store.bindings.set_memberships(binding.account_id, frozenset(groups))
    await store.close()


def open_at(where: Where) -> AnyStore:
    if isinstance(where, Path):
        return SqliteStore(SqliteEngine(where, timeout=30.0), ring())
    return make_store(where.place, ring())


@asynccontextmanager
async def courier_between(
    where: Where,
    url: str,
    rules: CourierRules,
    *,
    audit: Callable[[AuditRecord], None] = lambda record: None,
    checkpoint: Callable[[str], None] = lambda name: None,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[tuple[AnyStore, Courier]]:
    """An open store and a courier to the app, not yet running."""
    folder = where.parent if isinstance(where, Path) else where.folder
    (folder / "big.yaml").write_text(PRESET)
    store = open_at(where)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        admin = open_app(
            preset="big.yaml",
            base_dir=folder,
            url=url,
            credentials={"token": lambda: TOKEN},
            http=http,
            timeout=30.0,
            parallel=rules.bulk_slots + 1,
        )
        courier = Courier(
            outbox=store.outbox,
            bindings=store.bindings,
            ledger=store.ledger,
            counters=store.ledger,
            leases=store.leases,
            app=admin,
            rules=rules,
            tell=_tell_nobody,
            audit=audit,
            clock=clock,
            entropy=secrets.token_bytes,
            holder=secrets.token_hex(4),
            checkpoint=checkpoint,
        )
        try:
            yield store, courier
        finally:
            await courier.stop()
            await store.close()


async def _tell_nobody(subject: Subject, account: AccountState) -> None:
    """There are no sessions here."""


async def until_settled(store: AnyStore, *, seconds: float = 300.0) -> None:
    """Until no entry is open. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while await store.outbox.entries(EntryState.OPEN, 1):
            await asyncio.sleep(0.05)
