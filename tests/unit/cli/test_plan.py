"""`muster plan`: what would change, and an exit code that says whether."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.demo.app import DemoApp
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import add_member, app_running, in_store, pointed_at


@pytest.fixture
def app(config: Path) -> Iterator[DemoApp]:
    with app_running() as running:
        pointed_at(config, running)
        yield running


def joined(config: Path, app: DemoApp, *names: str, groups: tuple[str, ...] = ("engineers",)) -> None:
    async def work(store: SqliteStore) -> None:
        for name in names:
            account = app.state.add_account(name, f"{name}@example.com", name.title())
            await add_member(store, name, str(account.id), *groups)

    in_store(config, work)


def plan(config: Path, *words: str) -> int:
    return main(["plan", *words, "-c", str(config)])


def changes(app: DemoApp) -> list[str]:
    return [call.method for call in app.state.calls if call.method != "GET"]


def test_what_would_change_is_said_and_nothing_is_changed(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    joined(config, app, "ada", "bob")
    assert plan(config) == 3
    out = capsys.readouterr().out
    assert out.count("join Developers") == 2
    assert out.endswith("2 of 2 people would be changed\n")
    assert changes(app) == []


def test_nothing_to_do_is_zero(config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]) -> None:
    joined(config, app, "ada", groups=())
    assert plan(config) == 0
    assert capsys.readouterr().out == "0 of 1 people would be changed\n"


def test_one_person_is_shown_whole(config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]) -> None:
    joined(config, app, "ada", "bob")
    assert plan(config, "ada") == 3
    out = capsys.readouterr().out
    assert "should" in out
    assert "bob" not in out


def test_json_says_each_step_with_its_reason(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    joined(config, app, "ada")
    assert plan(config, "--json") == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["changed"], document["unknown"]) == (1, 0)
    (step,) = document["people"][0]["steps"]
    assert (step["what"], step["reason"]) == ("join Developers", "linked")


def test_an_app_that_gives_no_answer_is_no_plan(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    joined(config, app, "ada")
    app.state.faults.status = 500
    assert plan(config) == 1
    assert "ada@example.com: the app gave no answer" in capsys.readouterr().err


def test_an_account_the_app_lost_is_said(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    joined(config, app, "ada")
    del app.state.accounts[max(app.state.accounts)]
    assert plan(config, "ada") == 0
    assert "the app shows no such account" in capsys.readouterr().out


def test_what_an_observed_link_would_change_is_said_and_is_no_change(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text().replace("{app: Developers,", "{app: Developers, mode: observe,"))
    joined(config, app, "ada")
    assert plan(config) == 0
    out = capsys.readouterr().out
    assert "observed    Developers  [observed_only: would join]" in out
    assert out.endswith("0 of 1 people would be changed; 1 more if no link were only observed\n")
    assert plan(config, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["changed"], document["observed"]) == (0, 1)
    assert changes(app) == []
