"""`muster sweep`: everybody is looked at beside the server, and the exit code says what came of it."""

import json
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.cli.sweep import _nobody_signs_in
from proxy.provisioning.leases import SWEEP
from proxy.storage.audit import AuditQuery
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import add_member, app_running, in_store, pointed_at


def sweep(config: Path, *words: str) -> int:
    return main(["sweep", "-c", str(config), *words])


async def two_members(store: SqliteStore) -> None:
    """Carol should be in Developers; Zoe is where she should be."""
    await add_member(store, "carol", "2", "engineers")
    await add_member(store, "zoe", "3")


def test_a_sweep_puts_right_what_differs_once(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with app_running() as app:
        pointed_at(config, app)
        in_store(config, two_members)
        assert sweep(config, "--dry-run", "--json") == 3
        document = json.loads(capsys.readouterr().out)
        assert [(one["kind"], one["login"], one["what"]) for one in document["lines"]] == [
            ("kept", "carol", "inactive"),
            ("kept", "zoe", "inactive"),
            ("change", "carol", "join"),
        ]
        assert not any(call.method != "GET" for call in app.calls)
        assert sweep(config) == 3
        assert "1 things were changed" in capsys.readouterr().out
        carol = app.state.by_login("carol")
        assert carol is not None
        assert "Developers" in app.state.group_names(carol)
        before = len(app.calls)
        assert sweep(config) == 0
        assert all(call.method == "GET" for call in app.calls[before:])


def test_what_was_done_is_in_the_audit_trail(config: Path) -> None:
    with app_running() as app:
        pointed_at(config, app)
        in_store(config, two_members)
        sweep(config)

    async def trail(store: SqliteStore) -> list[str]:
        return [record["event"] for _, record in await store.audit.read(AuditQuery())]

    events = in_store(config, trail)
    assert {"join", "sweep"} <= set(events)


def test_an_app_that_does_not_answer_is_exit_1_and_changes_nothing(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_store(config, two_members)
    assert sweep(config) == 1
    assert "nothing was looked at" in capsys.readouterr().err


def test_two_sweeps_at_once_are_one_too_many(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def taken(store: SqliteStore) -> None:
        await store.leases.acquire(SWEEP, holder="a server", now=4e9, seconds=60)

    in_store(config, taken)
    assert sweep(config) == 1
    assert "runs already" in capsys.readouterr().err


def test_a_command_makes_no_sessions() -> None:
    with pytest.raises(RuntimeError):
        _nobody_signs_in()
