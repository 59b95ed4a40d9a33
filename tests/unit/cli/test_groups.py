"""`muster groups`: links by command beside those of the configuration."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.main import main
from proxy.groups.rules import AppGroupName, Link, LinkMode
from proxy.groups.stored import Origin, Ruled
from proxy.identity import GroupName
from proxy.storage.audit import AuditQuery
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import THEN, in_store


async def ruled(store: SqliteStore) -> Ruled:
    return await store.rulings.ruled()


@pytest.fixture
def ran(config: Path) -> Path:
    """Muster has run with this configuration."""
    in_store(config, ruled)
    return config


def groups(config: Path, *words: str) -> int:
    return main(["groups", *words, "-c", str(config)])


def test_a_pasted_string_is_split_and_normalised(ran: Path) -> None:
    assert groups(ran, "link", "Cafe\u0301", "a, b,c") == 0
    (held,) = in_store(ran, ruled).links
    assert held.link.app_group == "Café"
    assert held.link.idp_groups == frozenset({"a", "b", "c"})
    assert held.origin.by.startswith("cli (")


def test_a_list_says_where_each_link_comes_from(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groups(ran, "link", "Writers", "authors", "--idp", "corp", "--observe")
    capsys.readouterr()
    assert groups(ran, "list") == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[1:]] == ["Developers", "Writers"]
    assert "configuration" in rows[1]
    assert "observe" in rows[2]
    assert "cli (" in rows[2]


def test_a_list_in_json_tells_the_origin_apart(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groups(ran, "link", "Writers", "authors")
    capsys.readouterr()
    groups(ran, "list", "--json")
    first, second = json.loads(capsys.readouterr().out)["links"]
    assert first == {
        "app_group": "Developers",
        "idp_groups": ["engineers", "platform"],
        "idps": [],
        "mode": "active",
        "origin": {"by": "configuration"},
        "is_overruled": False,
    }
    assert second["origin"]["by"].startswith("cli (")


def test_a_stored_link_that_the_configuration_overrules_is_shown_so(
    ran: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    groups(ran, "link", "Writers", "authors")
    ran.write_text(ran.read_text().replace("{app: Developers,", "{app: Writers,"))
    capsys.readouterr()
    groups(ran, "list")
    assert "(overruled by the configuration)" in capsys.readouterr().out


@pytest.mark.parametrize("action", ["unlink", "observe", "deactivate", "activate"])
def test_the_configurations_link_is_refused(
    action: str, ran: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert groups(ran, action, "Developers") == 1
    assert groups(ran, "link", "Developers", "others") == 1
    assert "the configuration links 'Developers', and it wins" in capsys.readouterr().err
    assert in_store(ran, ruled) == Ruled()


@pytest.mark.parametrize(
    ("action", "mode"),
    [("observe", LinkMode.OBSERVE), ("deactivate", LinkMode.OFF), ("activate", LinkMode.ACTIVE)],
)
def test_a_links_mode_is_changed_and_nothing_else_of_it(action: str, mode: LinkMode, ran: Path) -> None:
    groups(ran, "link", "Writers", "authors", "--idp", "corp")
    assert groups(ran, action, "Writers") == 0
    (held,) = in_store(ran, ruled).links
    assert (held.link.mode, held.link.idps) == (mode, frozenset({"corp"}))


def test_unlinking_takes_it_out(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groups(ran, "link", "Writers", "authors")
    assert groups(ran, "unlink", "Writers") == 0
    assert "its members stay as they are" in capsys.readouterr().out
    assert in_store(ran, ruled).links == ()
    assert groups(ran, "unlink", "Writers") == 1
    assert groups(ran, "observe", "Writers") == 1


def test_unlinking_ends_what_the_guard_held_of_it(
    ran: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.cli.groups.HEAD_START", 0.0)
    groups(ran, "link", "Writers", "authors")

    async def latched(store: SqliteStore) -> None:
        await store.ledger.latch("link:Writers", THEN)
        await store.ledger.latch("link:Developers", THEN)

    in_store(ran, latched)
    capsys.readouterr()
    assert groups(ran, "unlink", "Writers") == 0
    assert "what the guard held of it is held no more" in capsys.readouterr().out
    assert main(["held", "list", "-c", str(ran)]) == 0
    assert capsys.readouterr().out == "held: link:Developers\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Writers", " , "], "at least one IdP group"),
        (["Writers", "a", "--idp", "nope"], "no IdP with the id 'nope'"),
    ],
)
def test_a_mistake_is_a_sentence(
    words: list[str], message: str, ran: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert groups(ran, "link", *words) == 2
    assert message in capsys.readouterr().err


def test_every_change_is_in_the_trail(ran: Path) -> None:
    groups(ran, "link", "Writers", "authors")
    groups(ran, "unlink", "Writers")

    async def read(store: SqliteStore) -> list[str]:
        return [one["outcome"] for _, one in await store.audit.read(AuditQuery(event="rule"))]

    assert in_store(ran, read) == ["groups link", "groups unlink"]


def test_without_a_store_nothing_is_made(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert groups(config, "link", "Writers", "authors") == 2
    assert "has not run with this configuration" in capsys.readouterr().err


DN = "CN=Writers,OU=Groups,DC=corp"


@pytest.mark.parametrize(
    ("words", "linked"),
    [([DN, "b"], {DN, "b"}), ([DN, "--exact"], {DN}), ([DN], {"CN=Writers", "OU=Groups", "DC=corp"})],
)
def test_several_arguments_are_taken_as_they_are_and_a_single_one_if_exact(
    words: list[str], linked: set[str], ran: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert groups(ran, "link", "Writers", *words, "--json") == 0
    assert json.loads(capsys.readouterr().out)["link"]["idp_groups"] == sorted(linked)


@pytest.mark.parametrize("name", ["", "  "])
@pytest.mark.parametrize("action", ["link", "unlink", "push"])
def test_a_group_without_a_name_is_refused(
    action: str, name: str, ran: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert groups(ran, action, name, *(["x"] if action == "link" else [])) == 2
    assert "needs a name" in capsys.readouterr().err
    assert in_store(ran, ruled) == Ruled()


def test_white_space_around_a_groups_name_is_no_part_of_it(ran: Path) -> None:
    assert groups(ran, "link", " Writers ", "a") == 0
    assert [one.link.app_group for one in in_store(ran, ruled).links] == ["Writers"]
    assert groups(ran, "link", "Developers ", "a") == 1


def test_a_link_that_is_stored_with_white_space_can_be_taken_out(ran: Path) -> None:
    async def put(store: SqliteStore) -> None:
        link = Link(app_group=AppGroupName("Writers "), idp_groups=frozenset({GroupName("a")}))
        await store.rulings.put_link(link, Origin(by="cli (ada)", at=THEN))

    in_store(ran, put)
    assert groups(ran, "unlink", "Writers ") == 0
    assert in_store(ran, ruled).links == ()


def test_the_trail_has_what_stood_and_what_stands(ran: Path) -> None:
    groups(ran, "link", "Writers", "authors", "--idp", "corp")
    groups(ran, "observe", "Writers")
    groups(ran, "unlink", "Writers")

    async def read(store: SqliteStore) -> list[dict[str, Any]]:
        return [one for _, one in await store.audit.read(AuditQuery(event="rule"))]

    linked, observed, unlinked = in_store(ran, read)
    assert {one["app_group"] for one in (linked, observed, unlinked)} == {"Writers"}
    assert linked["before"] is None
    assert (linked["after"]["idp_groups"], linked["after"]["idps"]) == (["authors"], ["corp"])
    assert linked["after"]["by"].startswith("cli (")
    assert observed["before"] == linked["after"]
    assert (observed["before"]["mode"], observed["after"]["mode"]) == ("active", "observe")
    assert unlinked["before"] == observed["after"]
    assert unlinked["after"] is None
