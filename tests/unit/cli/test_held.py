"""`muster held`: list, release, drop."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.identity import IdpId, Subject
from proxy.provisioning.model import EntryState, Removed, Statement
from proxy.reasons import Reason
from proxy.storage.sqlite.store import SqliteStore

InStore = Callable[[Callable[[SqliteStore], Awaitable[None]]], Awaitable[None]]
SCOPE = "idp:corp"


async def hold_one(store: SqliteStore) -> None:
    statement = Statement(
        source=IdpId("corp"),
        subject=Subject(issuer="https://idp.example.com", subject="a1"),
        says=Removed(reason=Reason.IDP_DENIED),
        at=1.0,
    )
    await store.outbox.note(statement, 1.0)
    claim = await store.outbox.claim(holder="test", now=2.0, seconds=20.0)
    assert claim is not None
    await store.outbox.set_aside(claim, EntryState.HELD, reason=Reason.GUARD_TRIPPED, detail=SCOPE)
    await store.ledger.latch(SCOPE, 2.0)


async def nothing(store: SqliteStore) -> None:
    await store.sessions.ping()


def states(in_store: InStore) -> list[EntryState]:
    found: list[EntryState] = []

    async def look(store: SqliteStore) -> None:
        found.extend(entry.state for entry in await store.outbox.entries(None, 10))

    asyncio.run(_run(in_store, look))
    return found


async def _run(in_store: InStore, work: Callable[[SqliteStore], Awaitable[None]]) -> None:
    await in_store(work)


def test_nothing_held_is_said(config: Path, in_store: InStore, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_run(in_store, nothing))
    assert main(["held", "list", "-c", str(config)]) == 0
    assert capsys.readouterr().out == "nothing is held\n"
    assert main(["held", "list", "--dropped", "-c", str(config)]) == 0
    assert capsys.readouterr().out == "nothing is dropped\n"


def test_what_is_held_is_listed_and_released(
    config: Path, in_store: InStore, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_run(in_store, hold_one))
    assert main(["held", "list", "-c", str(config)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"held: {SCOPE}\n")
    assert "guard_tripped" in out
    assert main(["held", "release", SCOPE, "-c", str(config)]) == 0
    assert capsys.readouterr().out == f"released {SCOPE}: 1 people will be carried out, planned again\n"
    assert states(in_store) == [EntryState.OPEN]
    assert main(["held", "list", "-c", str(config)]) == 0
    assert capsys.readouterr().out == "nothing is held\n"


def test_dropping_leaves_the_app_as_it_is(
    config: Path, in_store: InStore, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_run(in_store, hold_one))
    assert main(["held", "drop", SCOPE, "-c", str(config)]) == 0
    assert "1 people stay as they are" in capsys.readouterr().out
    assert states(in_store) == [EntryState.DROPPED]
    assert main(["held", "list", "-c", str(config)]) == 0
    assert capsys.readouterr().out == "nothing is held\n"
    assert main(["held", "list", "--dropped", "-c", str(config)]) == 0
    assert SCOPE in capsys.readouterr().out
    assert main(["held", "list", "--dropped", "--json", "-c", str(config)]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["entries"]
    assert (entry["reason"], entry["detail"]) == ("dropped", SCOPE)


def test_a_scope_that_is_not_held_is_a_sentence(
    config: Path, in_store: InStore, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_run(in_store, nothing))
    assert main(["held", "release", "idp:nobody", "-c", str(config)]) == 1
    assert "'idp:nobody' is not held" in capsys.readouterr().err


def test_scopes_and_people_as_json(
    config: Path, in_store: InStore, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_run(in_store, hold_one))
    assert main(["held", "list", "--json", "-c", str(config)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["scopes"] == [SCOPE]
    assert [(one["reason"], one["detail"]) for one in shown["entries"]] == [("guard_tripped", SCOPE)]
    assert main(["held", "release", SCOPE, "--json", "-c", str(config)]) == 0
    assert json.loads(capsys.readouterr().out) == {"scope": SCOPE, "people": 1, "released": True}
