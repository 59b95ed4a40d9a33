"""`muster members`: by hand, with and without an app that answers; what cannot be done is a sentence."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.app.effective import Effective
from proxy.cli import carrying
from proxy.cli.main import main
from proxy.cli.store import now
from proxy.demo.app import DemoApp
from proxy.provisioning.model import AccountId, Binding, Entry, EntryState, Removed, Vouched
from proxy.reasons import Reason
from proxy.settings.load import load
from proxy.storage.audit import AuditQuery
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import (
    ISSUER,
    THEN,
    add_member,
    add_session,
    app_running,
    identity,
    in_store,
    pointed_at,
    removed,
    subject,
    vouched,
)


@pytest.fixture
def app(config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DemoApp]:
    """The app runs, no server does, and the command does not wait for one."""
    monkeypatch.setattr(carrying, "HEAD_START", 0.0)
    monkeypatch.setattr("proxy.cli.members.HEAD_START", 0.0)
    with app_running() as running:
        pointed_at(config, running)
        yield running


def members(config: Path, *words: str) -> int:
    return main(["members", *words, "-c", str(config)])


def ada(config: Path, app: DemoApp, *, is_signed_in: bool = True) -> str:
    """Ada's account; she is bound to it and signed in."""
    account = app.state.add_account("ada", "ada@example.com", "Ada")
    number = str(account.id)

    async def work(store: SqliteStore) -> None:
        await add_member(store, "ada", number, "engineers")
        if is_signed_in:
            await add_session(store, "ada", number, "engineers")

    in_store(config, work)
    return number


def entry_of(config: Path) -> Entry:
    """Ada's."""

    async def work(store: SqliteStore) -> Entry | None:
        return await store.outbox.entry_of(subject("ada"))

    found = in_store(config, work)
    assert found is not None
    return found


def is_active(app: DemoApp, login: str = "ada") -> bool:
    account = app.state.by_login(login)
    assert account is not None
    return account.is_active


def sessions(config: Path) -> int:
    async def work(store: SqliteStore) -> int:
        return len(await store.sessions.last_used_before(1e12, 10))

    return in_store(config, work)


def shown(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_archiving_ends_sessions_archives_and_warns(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    number = ada(config, app)
    assert members(config, "archive", "ada") == 0
    captured = capsys.readouterr()
    assert "they were signed in; they would come back at the next sign-in" in captured.err
    assert captured.out == f"ada@example.com: 1 sessions ended; account {number}: the app agrees\n"
    assert not is_active(app)
    assert sessions(config) == 0
    assert entry_of(config).state is EntryState.DONE


def test_somebody_not_heard_of_lately_is_archived_without_a_warning(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app, is_signed_in=False)
    assert members(config, "archive", "ada", "--json") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    document = json.loads(captured.out)
    assert (document["state"], document["would_come_back"]) == ("done", False)


def test_somebody_vouched_for_today_is_warned_about(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app, is_signed_in=False)

    async def lately(store: SqliteStore) -> None:
        await store.outbox.note(vouched("ada", "engineers", at=now() - 60), now())

    in_store(config, lately)
    members(config, "archive", "ada")
    assert "their IdP vouched for them at" in capsys.readouterr().err


def test_without_waiting_it_is_left_to_the_server(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app)
    assert members(config, "archive", "ada", "--wait", "0") == 0
    assert "not carried out yet; it will be, by the server" in capsys.readouterr().out
    assert is_active(app)
    assert sessions(config) == 0, "blocking never waits"


def test_an_app_that_is_down_is_said_and_the_entry_waits(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(carrying, "HEAD_START", 0.0)
    config.write_text(config.read_text().replace("127.0.0.1:3001", "127.0.0.1:9"))

    async def work(store: SqliteStore) -> None:
        await add_member(store, "ada", "7")

    in_store(config, work)
    assert members(config, "archive", "ada", "--wait", "1") == 0
    assert "not carried out yet (app_trouble" in capsys.readouterr().out
    assert entry_of(config).state is EntryState.OPEN


def test_restoring_puts_the_idps_last_word_back(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app)
    members(config, "archive", "ada")
    assert isinstance(entry_of(config).statements[0].says, Removed)
    assert members(config, "restore", "ada") == 0
    assert "what their IdP last said holds again" in capsys.readouterr().out
    (held,) = entry_of(config).statements
    assert isinstance(held.says, Vouched)
    assert held.known_groups == frozenset({"engineers"})
    assert is_active(app)
    assert members(config, "restore", "ada") == 1
    assert "was not archived by hand" in capsys.readouterr().err


def test_what_an_idp_denied_is_not_restored_by_hand(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app, is_signed_in=False)

    async def gone(store: SqliteStore) -> None:
        await store.outbox.note(removed("ada"), THEN + 1)

    in_store(config, gone)
    assert members(config, "restore", "ada") == 1
    assert "was removed by their IdP (idp_denied)" in capsys.readouterr().err


def test_denying_ends_sessions_and_archives(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app)
    assert members(config, "deny", "ada", "--json") == 0
    document = shown(capsys)
    assert document["denied"] == [f"{ISSUER} id-ada"]
    assert document["state"] == "done"
    assert not is_active(app)
    assert sessions(config) == 0
    assert members(config, "restore", "ada") == 1


def deny_list(config: Path) -> list[str]:
    async def work(store: SqliteStore) -> list[str]:
        return [one.who for one in (await store.rulings.ruled()).denials]

    return in_store(config, work)


def test_denying_an_address_denies_whoever_has_it_now_under_any_later_address(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app)
    assert members(config, "deny", "Ada@Example.com", "--json") == 0
    document = shown(capsys)
    assert document["denied"] == ["ada@example.com", f"{ISSUER} id-ada"] == sorted(deny_list(config))
    assert [(one["person"], one["state"]) for one in document["people"]] == [("ada@example.com", "done")]
    moved = replace(
        vouched("ada", at=THEN + 9), says=Vouched(identity=replace(identity("ada"), email="new@example.com"))
    )

    async def renamed(store: SqliteStore) -> None:
        await store.outbox.note(moved, now())

    in_store(config, renamed)
    settings = load(config, {})

    async def is_kept_out(store: SqliteStore) -> bool:
        effective = Effective(settings, await store.rulings.ruled())
        return effective.admit(replace(identity("ada"), email="new@example.com")) is Reason.DENY_LISTED

    assert in_store(config, is_kept_out)
    assert members(config, "undeny", "ada@example.com") == 0
    assert deny_list(config) == [], "what was denied together is undenied together"
    assert not is_active(app)


def test_denying_says_that_it_is_for_the_person_too(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    number = ada(config, app)
    assert members(config, "deny", "ada@example.com") == 0
    assert capsys.readouterr().out == (
        f"ada@example.com: ada@example.com, {ISSUER} id-ada may not sign in any more; 1 sessions ended; "
        f"account {number}: the app agrees\n"
    )


def test_a_login_that_is_somebody_elses_address_keeps_nobody_from_denying_the_address(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app)
    other = app.state.add_account("ada@example.com", "mallory@example.com", "Mallory")

    async def mallory(store: SqliteStore) -> None:
        entry = await store.outbox.note(vouched("mallory"), THEN)
        claim = await store.outbox.claim(holder="test", now=THEN, seconds=20, entry_id=entry.id)
        assert claim is not None
        bound = Binding(
            subject=subject("mallory"), account_id=AccountId(str(other.id)), login="ada@example.com"
        )
        claim = await store.outbox.bind(claim, bound)
        assert claim is not None
        await store.outbox.ack(claim, now=THEN)

    in_store(config, mallory)
    assert members(config, "deny", "ada@example.com") == 0
    captured = capsys.readouterr()
    assert (
        f"is also the login of account:{other.id}, who has another address and is not meant" in captured.err
    )
    assert not is_active(app)
    assert is_active(app, "ada@example.com")
    assert members(config, "archive", "ada@example.com") == 2, "elsewhere a name that means two is refused"
    assert f"account:{other.id}" in capsys.readouterr().err
    assert members(config, "deny", "login:ada@example.com") == 0
    assert not is_active(app, "ada@example.com")


def test_denying_an_address_that_nobody_has_yet_is_kept_for_later(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app)
    assert members(config, "deny", "Eve@Example.com") == 0
    assert capsys.readouterr().out.startswith("eve@example.com may not sign in any more")
    assert members(config, "deny", "eve@example.com") == 0
    assert "was denied already" in capsys.readouterr().out
    assert members(config, "deny", "eve") == 2
    assert is_active(app)


def test_undenying_lets_them_sign_in_and_restores_nobody_by_itself(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app)
    members(config, "deny", "ada@example.com")
    assert members(config, "undeny", "ada") == 0
    assert "may sign in again" in capsys.readouterr().out
    (held,) = entry_of(config).statements
    assert held.says == Removed(reason=Reason.ENDED_BY_OPERATOR)
    assert not is_active(app)
    assert members(config, "undeny", "ada") == 1
    assert "is not denied" in capsys.readouterr().err
    assert members(config, "restore", "ada") == 0
    assert is_active(app)


def test_what_the_configuration_denies_is_changed_there(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    ada(config, app)
    config.write_text(config.read_text().replace("{domains:", "{deny: [ada@example.com], domains:"))
    assert members(config, "undeny", "ada@example.com") == 1
    assert "is denied by the configuration: change it there" in capsys.readouterr().err


def test_somebody_without_an_account_cannot_be_archived(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    async def newcomer(store: SqliteStore) -> None:
        await store.outbox.note(vouched("eve"), THEN)

    in_store(config, newcomer)
    assert members(config, "archive", "eve@example.com") == 2
    assert "has no account; to keep them out: muster members deny" in capsys.readouterr().err


def test_what_was_done_by_hand_is_in_the_trail_with_the_calls(config: Path, app: DemoApp) -> None:
    ada(config, app)
    members(config, "archive", "ada")

    async def read(store: SqliteStore) -> list[tuple[str, str]]:
        records = await store.audit.read(AuditQuery(subjects=frozenset({subject("ada")})))
        return [(one["event"], one.get("reason") or one["purpose"]) for _, one in records]

    trail = in_store(config, read)
    assert [one for one in trail if one[0] != "app_call"] == [
        ("remove", "ended_by_operator"),
        ("block", "ended_by_operator"),
        ("archive", "ended_by_operator"),
    ]
    assert {why for event, why in trail if event == "app_call"} == {"look", "ended_by_operator"}
