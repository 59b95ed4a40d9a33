"""`muster groups push`: one linked group, now."""

import json
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.provisioning.hand_edits import PUT_IN, TAKEN_OUT
from proxy.storage.audit import AuditQuery
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import add_member, app_running, in_store, pointed_at


def push(config: Path, *words: str) -> int:
    return main(["groups", "push", *words, "-c", str(config)])


async def members(store: SqliteStore) -> None:
    await add_member(store, "carol", "2", "engineers")
    await add_member(store, "zoe", "3")


def test_a_push_joins_who_should_be_in_and_takes_out_who_should_not(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with app_running() as app:
        pointed_at(config, app)
        in_store(config, members)
        carol, zoe = app.state.by_login("carol"), app.state.by_login("zoe")
        assert carol is not None
        assert zoe is not None
        zoe.groups.add(next(group for group, name in app.state.groups.items() if name == "Developers"))
        assert push(config, "Developers", "--dry-run", "--json") == 3
        document = json.loads(capsys.readouterr().out)
        assert sorted((one["login"], one["what"]) for one in document["lines"]) == [
            ("carol", "join"),
            ("zoe", "leave"),
        ]
        assert push(config, "Developers") == 3
        assert app.state.group_names(carol) == ["Book club", "Developers"]
        assert app.state.group_names(zoe) == ["Book club"]
        assert push(config, "Developers") == 0


def test_a_group_that_nobody_linked_is_not_touched(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with app_running() as app:
        pointed_at(config, app)
        in_store(config, members)
        assert push(config, "Book club") == 1
        assert "not linked" in capsys.readouterr().err
        assert not any(call.method != "GET" for call in app.calls)


def test_whoever_is_in_their_place_was_looked_at(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with app_running() as app:
        pointed_at(config, app)
        in_store(config, members)
        push(config, "Developers")
        capsys.readouterr()
        assert push(config, "Developers") == 0
        assert "1 accounts looked at in 1 groups, 1 agree" in capsys.readouterr().out


def test_an_observed_link_shows_what_it_would_change(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with app_running() as app:
        pointed_at(config, app)
        config.write_text(config.read_text().replace("{app: Developers,", "{app: Developers, mode: observe,"))
        in_store(config, members)
        for words in (["--dry-run"], []):
            assert push(config, "Developers", *words, "--json") == 0
            (line,) = json.loads(capsys.readouterr().out)["lines"]
            assert (line["kind"], line["what"], line["about"], line["cause"]) == (
                "kept", "observed_only", "Developers", "would join",
            )  # fmt: skip
        assert not any(call.method != "GET" for call in app.state.calls)


def test_the_trail_names_the_group_and_what_came_of_it(config: Path) -> None:
    async def read(store: SqliteStore) -> list[dict[str, object]]:
        return [one for _, one in await store.audit.read(AuditQuery(event="push"))]

    with app_running() as app:
        pointed_at(config, app)
        in_store(config, members)
        push(config, "Developers")
        (record,) = in_store(config, read)
    assert (record["app_group"], record["outcome"], record["change"]) == ("Developers", "done", 1)


def test_every_call_to_the_app_says_for_whom_and_why(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def calls(*words: str) -> list[dict[str, object]]:
        capsys.readouterr()
        assert main(["audit", "--event", "app_call", *words, "--json", "-c", str(config)]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    with app_running() as app:
        pointed_at(config, app)
        in_store(config, members)
        push(config, "Developers")
    every = calls()
    assert {one["purpose"] for one in every} == {"push", "look", "join", "proof"}
    (join,) = [one for one in every if one["purpose"] == "join"]
    assert (join["method"], join["subject"], join["account"], join["reason"]) == (
        "PUT", "id-carol", "2", "linked",
    )  # fmt: skip
    assert join["cause"]
    of_carol = calls("--who", "carol")
    assert {one["purpose"] for one in of_carol} == {"push", "look", "join"}
    assert {one["subject"] for one in of_carol} == {"id-carol"}
    assert "hunter2" not in json.dumps(every)


def test_an_edit_by_hand_is_put_right_and_noted_as_such(config: Path) -> None:
    async def causes(store: SqliteStore) -> list[tuple[str, str, str]]:
        found = [
            *await store.audit.read(AuditQuery(event="join")),
            *await store.audit.read(AuditQuery(event="leave")),
        ]
        return [(one["event"], one["account"], one["cause"]) for _, one in found]

    with app_running() as app:
        pointed_at(config, app)
        in_store(config, members)
        carol, zoe = app.state.by_login("carol"), app.state.by_login("zoe")
        assert carol is not None
        assert zoe is not None
        push(config, "Developers")
        developers = next(group for group, name in app.state.groups.items() if name == "Developers")
        carol.groups.discard(developers)
        zoe.groups.add(developers)
        push(config, "Developers")
        first, again, left = in_store(config, causes)
    assert TAKEN_OUT not in first[2]
    assert again[:2] == ("join", "2")
    assert again[2].endswith(TAKEN_OUT)
    assert left[:2] == ("leave", "3")
    assert left[2].endswith(PUT_IN)
