"""`muster parked`: list, retry."""

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


async def park_two(store: SqliteStore) -> None:
    for name in ("a1", "a2"):
        subject = Subject(issuer="https://idp.example.com", subject=name)
        await store.outbox.note(
            Statement(source=IdpId("corp"), subject=subject, says=Removed(reason=Reason.IDP_DENIED), at=1.0),
            1.0,
        )
        claim = await store.outbox.claim(holder="test", now=2.0, seconds=20.0)
        assert claim is not None
        await store.outbox.set_aside(claim, EntryState.PARKED, reason=Reason.APP_REFUSED, detail="422: no")


@pytest.fixture
def parked(config: Path, in_store: InStore) -> Path:
    async def make() -> None:
        await in_store(park_two)

    asyncio.run(make())
    return config


def test_parked_entries_are_listed_with_their_reason(
    parked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["parked", "list", "-c", str(parked)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3
    assert "app_refused" in out[1]
    assert "422: no" in out[1]


def test_all_are_retried_and_then_none_is_parked(parked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parked", "retry", "-c", str(parked)]) == 0
    assert capsys.readouterr().out == "2 will be tried again\n"
    assert main(["parked", "list", "-c", str(parked)]) == 0
    assert capsys.readouterr().out == "nothing is parked\n"


def test_one_is_retried_by_its_number(parked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parked", "retry", "1", "-c", str(parked)]) == 0
    assert main(["parked", "retry", "1", "-c", str(parked)]) == 1
    out, err = capsys.readouterr()
    assert out == "1 will be tried again\n"
    assert "entry 1 is not parked" in err


def test_entries_as_json(parked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parked", "list", "--json", "-c", str(parked)]) == 0
    assert len(json.loads(capsys.readouterr().out)["entries"]) == 2
    assert main(["parked", "retry", "--json", "-c", str(parked)]) == 0
    assert json.loads(capsys.readouterr().out) == {"tried_again": 2}
