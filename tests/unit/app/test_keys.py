"""The key file, followed while sessions live: nobody is signed out by a rotation, in whatever order it is done."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from proxy.app import keys as watched
from proxy.app.keys import KeysWatch
from proxy.session.codec import KeyRing, SealingKey
from proxy.storage.keyring import write_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store
from proxy.telemetry.telemetry import Streams, Telemetry, TelemetryRules
from tests.contract.records import key, session, subject

OLD, NEW, THIRD = (SealingKey(secret=letter * 32) for letter in (b"o", b"n", b"t"))


@dataclass
class Server:
    """One process: its ring, its view of the store, its watch."""

    path: Path
    ring: KeyRing
    store: SqliteStore
    watch: KeysWatch
    log: StringIO

    def file(self, *keys: SealingKey) -> None:
        write_keyring(self.path, KeyRing(keys=keys))

    async def knows(self, name: str = "one") -> bool:
        return await self.store.sessions.load(key(name)) is not None

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


class Servers:
    """Replicas on one store, each with a key file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[Server] = []

    def start(self, *keys: SealingKey) -> Server:
        path, log = self.folder / f"{len(self.running)}.keys", StringIO()
        ring = KeyRing(keys=keys)
        write_keyring(path, ring)
        store = open_store(self.folder / "muster.db", ring)
        telemetry = Telemetry(TelemetryRules(level="info"), streams=Streams(log=log, out=StringIO()))
        watch = KeysWatch(path, ring, store.sessions, telemetry)
        self.running.append(Server(path=path, ring=ring, store=store, watch=watch, log=log))
        return self.running[-1]


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    started = Servers(tmp_path)
    yield started
    for server in started.running:
        await server.store.close()


async def test_a_promoted_key_seals_and_what_the_old_one_sealed_is_sealed_anew(servers: Servers) -> None:
    server = servers.start(OLD)
    await server.store.sessions.create(session("one"))
    server.file(NEW, OLD)
    await server.watch.look()
    assert list(server.ring.keys) == [NEW, OLD]
    assert await server.knows()
    server.file(NEW)
    await server.watch.look()
    assert list(server.ring.keys) == [NEW]
    assert await server.knows()


async def test_a_line_taken_out_too_early_signs_nobody_out(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within one turn only so many are sealed anew: the key that left opens until the last one is."""
    monkeypatch.setattr(watched, "BATCH", 1)
    monkeypatch.setattr(watched, "BATCHES", 1)
    server = servers.start(OLD)
    for name in ("one", "two", "three"):
        await server.store.sessions.create(session(name))
    server.file(NEW)
    for _ in range(3):
        await server.watch.look()
        assert list(server.ring.keys) == [NEW, OLD]
        assert len(await server.store.sessions.of_subject(subject())) == 3
    await server.watch.look()
    assert list(server.ring.keys) == [NEW]
    assert len(await server.store.sessions.of_subject(subject())) == 3


async def test_replicas_that_rotate_in_the_documented_order_never_lose_a_session(servers: Servers) -> None:
    first, second = servers.start(OLD), servers.start(OLD)
    number = 0

    async def step(server: Server, *keys: SealingKey) -> None:
        """One replica's file changes; then both go on, and each makes a session that the other must know."""
        nonlocal number
        server.file(*keys)
        for one in (first, second):
            await one.watch.look()
        for one, other in ((first, second), (second, first)):
            number += 1
            await one.store.sessions.create(session(f"s{number}"))
            assert await other.knows(f"s{number}"), number
        for made in range(1, number + 1):
            assert await first.knows(f"s{made}")
            assert await second.knows(f"s{made}")

    for keys in ((OLD, NEW), (NEW, OLD), (NEW,)):
        for server in (first, second):
            await step(server, *keys)
    assert first.ring.keys == second.ring.keys == (NEW,)


@pytest.mark.parametrize("text", ["", "# nothing\n", "not a key\n", "AAAA\n"])
async def test_a_file_that_is_broken_changes_nothing_but_the_log(servers: Servers, text: str) -> None:
    server = servers.start(OLD)
    await server.store.sessions.create(session("one"))
    server.path.write_text(text)
    for _ in range(3):
        await server.watch.look()
    assert list(server.ring.keys) == [OLD]
    assert await server.knows()
    assert [line["level"] for line in server.said()] == ["error"], "said once"
    server.file(NEW, OLD)
    await server.watch.look()
    assert list(server.ring.keys) == [NEW, OLD]


async def test_a_file_that_is_gone_or_open_to_others_changes_nothing(servers: Servers) -> None:
    server = servers.start(OLD)
    server.path.chmod(0o644)
    server.path.write_text(server.path.read_text() + "# touched\n")
    await server.watch.look()
    server.path.unlink()
    await server.watch.look()
    assert list(server.ring.keys) == [OLD]
    assert not server.path.exists(), "no key is made for a file that went"


async def test_a_file_that_stays_is_not_read_again_and_nothing_is_said(servers: Servers) -> None:
    server = servers.start(NEW, OLD)
    for _ in range(3):
        await server.watch.look()
    assert server.said() == []


async def test_no_key_is_ever_written_into_the_log(servers: Servers) -> None:
    server = servers.start(OLD)
    await server.store.sessions.create(session("one"))
    server.file(NEW, OLD)
    await server.watch.look()
    said = server.log.getvalue()
    assert NEW.id.hex() in said
    for line in server.path.read_text().splitlines()[1:]:
        assert line not in said


async def test_a_ring_of_three_is_brought_to_one(servers: Servers) -> None:
    old = servers.start(OLD)
    await old.store.sessions.create(session("one"))
    third = servers.start(THIRD)
    await third.store.sessions.create(session("two"))
    server = servers.start(NEW, OLD, THIRD)
    await server.watch.look()
    server.file(NEW)
    await server.watch.look()
    assert await server.knows("one")
    assert await server.knows("two")
    assert not await old.knows("one"), "sealed under a key that it does not have"
