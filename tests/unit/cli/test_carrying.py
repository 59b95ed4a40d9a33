"""Waiting for the app to agree: by a server's courier, or by the command's own."""

from argparse import Namespace
from pathlib import Path

import pytest

from proxy.cli import carrying
from proxy.cli.carrying import Carried, carried_out, ruling_heard
from proxy.cli.desk import Desk, at_desk
from proxy.cli.main import main
from proxy.cli.store import now
from proxy.groups.stored import Origin
from proxy.provisioning.model import AccountId, Entry, EntryState
from proxy.reasons import Reason
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import (
    THEN,
    add_member,
    app_running,
    in_store,
    pointed_at,
    removed,
    subject,
    vouched,
)


def entry(state: EntryState, reason: Reason | None = None, detail: str = "") -> Entry:
    return Entry(
        id=1,
        account_id=AccountId("7"),
        statements=(vouched("ada"),),
        state=state,
        version=1,
        reason=reason,
        detail=detail,
    )


@pytest.mark.parametrize(
    ("carried", "word", "is_settled"),
    [
        (None, "nothing is left to do", True),
        (entry(EntryState.DONE), "the app agrees", True),
        (
            entry(EntryState.PARKED, Reason.APP_REFUSED, "no"),
            "the app refused (app_refused: no): see muster parked list",
            True,
        ),
        (
            entry(EntryState.HELD, Reason.GUARD_TRIPPED, "idp:corp"),
            "held by the guard (guard_tripped: idp:corp): see muster held list",
            True,
        ),
        (
            entry(EntryState.DROPPED, Reason.DROPPED, "idp:corp"),
            "left as it is: what the guard held was dropped (muster held list --dropped)",
            True,
        ),
        (entry(EntryState.OPEN), "not carried out yet; it will be, by the server", False),
    ],
)
def test_an_operator_is_told_where_it_stands(carried: Entry | None, word: str, is_settled: bool) -> None:
    held = Carried(entry=carried)
    assert (held.word, held.is_settled) == (word, is_settled)


async def gone(store: SqliteStore) -> None:
    await add_member(store, "ada", "2")
    await store.outbox.note(removed("ada"), THEN + 1)


def test_without_a_server_the_commands_own_courier_does_it(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "HEAD_START", 0.0)
    with app_running() as app:
        pointed_at(config, app)
        assert app.state.accounts[2].is_active
        in_store(config, gone)
        done = at_desk(Namespace(config=config), lambda desk: carried_out(desk, subject("ada"), seconds=20))
        assert done.word == "the app agrees"
        assert not app.state.accounts[2].is_active


def test_a_server_that_has_the_entry_is_waited_for(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "HEAD_START", 0.0)
    with app_running() as app:
        pointed_at(config, app)
        in_store(config, gone)

        async def work(desk: Desk) -> Carried:
            claim = await desk.store.outbox.claim(holder="server", now=now(), seconds=60)
            assert claim is not None
            return await carried_out(desk, subject("ada"), seconds=0.5)

        assert not at_desk(Namespace(config=config), work).is_settled
        assert app.state.accounts[2].is_active


def test_a_ruling_is_heard_once_a_server_carried_it(config: Path) -> None:
    async def work(desk: Desk) -> tuple[bool, bool]:
        await desk.store.rulings.deny("eve@example.com", Origin(by="cli", at=1.0))
        before = await ruling_heard(desk, seconds=0.3)
        await desk.store.rulings.mark_carried(1)
        return before, await ruling_heard(desk, seconds=5)

    in_store(config, gone)
    assert at_desk(Namespace(config=config), work) == (False, True)


@pytest.mark.parametrize("action", ["deny", "archive"])
def test_a_protected_account_is_said_to_be_left_as_it_is(
    action: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def member(store: SqliteStore) -> None:
        await add_member(store, "carol", "2")

    with app_running() as app:
        pointed_at(config, app)
        config.write_text(config.read_text().replace("app: {", "app: {protected: [carol], "))
        in_store(config, member)
        assert main(["members", action, "carol", "--wait", "20", "-c", str(config)]) == 0
        carol = app.state.by_login("carol")
        assert carol is not None
        assert carol.is_active
    assert "account 2: not archived, left as it is: protected account (protected_left_alone)" in (
        capsys.readouterr().out
    )
