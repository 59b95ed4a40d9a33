"""Linking to a group that is not there is said; making one never takes over one that is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.main import main
from proxy.demo.app import DemoApp
from proxy.groups.stored import Ruled
from proxy.storage.audit import AuditQuery
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import app_running, in_store, pointed_at


async def ruled(store: SqliteStore) -> Ruled:
    return await store.rulings.ruled()


@pytest.fixture
def app(config: Path) -> Iterator[DemoApp]:
    in_store(config, ruled)
    with app_running() as running:
        pointed_at(config, running)
        yield running


def groups(config: Path, *words: str) -> int:
    return main(["groups", *words, "-c", str(config)])


def linked(config: Path) -> list[str]:
    return [one.link.app_group for one in in_store(config, ruled).links]


def names(app: DemoApp) -> list[str]:
    return sorted(app.state.groups.values())


def trail(config: Path, event: str) -> list[dict[str, Any]]:
    async def read(store: SqliteStore) -> list[dict[str, Any]]:
        return [dict(one) for _, one in await store.audit.read(AuditQuery(event=event))]

    return in_store(config, read)


def test_creating_makes_the_group_links_it_and_says_so_in_the_trail(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    assert groups(config, "create", "Cooks", "readers, writers") == 0
    assert "was made in the app, and is linked to readers, writers" in capsys.readouterr().out
    assert "Cooks" in names(app)
    assert linked(config) == ["Cooks"]
    (made,) = trail(config, "create_group")
    assert (made["outcome"], made["after"]) == ("done", "Cooks")
    assert [one["outcome"] for one in trail(config, "rule")] == ["groups create"]


def test_a_group_that_is_there_is_never_taken_over(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Book club" in names(app)
    before = names(app)
    assert groups(config, "create", "Book club", "readers") == 1
    assert "has a group 'Book club' already, and none is taken over" in capsys.readouterr().err
    assert (linked(config), names(app), trail(config, "create_group")) == ([], before, [])


@pytest.mark.parametrize("words", [["", "a"], ["  ", "a"], ["Club", " , "], ["Club", "a", "--idp", "nope"]])
def test_a_mistake_makes_no_group(words: list[str], config: Path, app: DemoApp) -> None:
    before = names(app)
    assert groups(config, "create", *words) == 2
    assert (linked(config), names(app)) == ([], before)


def test_an_app_that_is_away_makes_no_link(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, ruled)
    config.write_text(config.read_text().replace("127.0.0.1:3001", "127.0.0.1:9"))
    assert groups(config, "create", "Book club", "readers") == 1
    assert "nothing was made" in capsys.readouterr().err
    assert linked(config) == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("ignore", "nobody is put into it until the app has it"),
        ("create", "it is made when the first person belongs in it"),
        ("error", "whoever belongs in it is parked until the app has it"),
    ],
)
def test_linking_to_a_group_that_is_not_there_is_done_and_said(
    missing: str, said: str, config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text().replace("groups: {", f"groups: {{missing: {missing}, "))
    assert groups(config, "link", "Typo", "readers") == 0
    captured = capsys.readouterr()
    assert f"the app has no group 'Typo': {said}" in captured.err
    assert linked(config) == ["Typo"]


def test_linking_to_a_group_that_is_there_says_nothing_more(
    config: Path, app: DemoApp, capsys: pytest.CaptureFixture[str]
) -> None:
    assert groups(config, "link", "Book club", "readers") == 0
    assert capsys.readouterr().err == ""


def test_linking_while_the_app_is_away_is_done_and_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_store(config, ruled)
    config.write_text(config.read_text().replace("127.0.0.1:3001", "127.0.0.1:9"))
    assert groups(config, "link", "Book club", "readers") == 0
    assert "could not be asked whether it has a group 'Book club'" in capsys.readouterr().err
