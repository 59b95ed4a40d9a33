"""`muster explain --session`: from a live session, or from what was last said of a member."""

import json
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.groups.rules import AppGroupName, Link
from proxy.groups.stored import Origin
from proxy.identity import GroupName
from proxy.provisioning.model import AccountId
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import THEN, add_member, add_session, in_store, removed


def explain(config: Path, *words: str) -> int:
    return main(["explain", "--session", *words, "-c", str(config)])


async def member(store: SqliteStore) -> None:
    await add_member(store, "ada", "7", "engineers")


async def signed_in(store: SqliteStore) -> None:
    await member(store)
    await add_session(store, "ada", "7", "platform")


def test_a_member_is_explained_by_the_last_word(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, member)
    assert explain(config, "ada") == 0
    out = capsys.readouterr().out
    assert "groups: engineers" in out
    assert "groups: Developers" in out


def test_a_session_speaks_first(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, signed_in)
    assert explain(config, "ada", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["says"][2]["what"] == "groups: platform"


def test_stored_links_count(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def linked(store: SqliteStore) -> None:
        await member(store)
        link = Link(app_group=AppGroupName("Writers"), idp_groups=frozenset({GroupName("engineers")}))
        await store.rulings.put_link(link, Origin(by="cli", at=THEN))

    in_store(config, linked)
    explain(config, "ada", "--app-groups", "Writers,Developers")
    assert "groups: Developers, Writers" in capsys.readouterr().out


def test_somebody_nobody_vouches_for_is_a_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def gone(store: SqliteStore) -> None:
        await member(store)
        await store.outbox.note(removed("ada"), THEN + 1)

    in_store(config, gone)
    assert explain(config, "ada") == 2
    assert "no IdP vouches for ada now" in capsys.readouterr().err


def test_a_member_is_not_explained_as_a_newcomer(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def applied(store: SqliteStore) -> None:
        await store.bindings.set_memberships(AccountId("7"), frozenset({AppGroupName("Developers")}))

    in_store(config, member)
    assert explain(config, "ada") == 0
    out = capsys.readouterr().out
    assert "is          account 7 (ada), taken as Muster last left it" in out
    assert "create" not in out
    assert "join Developers" in out
    in_store(config, applied)
    assert explain(config, "ada") == 0
    assert "nothing to do" in capsys.readouterr().out
