"""Who is meant by a login, an account id, an address or a subject."""

import asyncio
from pathlib import Path

import pytest

from proxy.app.effective import Effective
from proxy.cli.desk import Desk
from proxy.cli.who import Person, everybody, find, find_one
from proxy.errors import SettingsError
from proxy.settings.load import load
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import ISSUER, THEN, add_member, add_session, in_store, removed, vouched


async def people(store: SqliteStore) -> None:
    await add_member(store, "ada", "7", "engineers")
    await add_member(store, "bob", "8")
    await add_session(store, "ada", "7")
    await store.outbox.note(vouched("newcomer"), THEN)


def found(config: Path, who: str) -> Person | None:
    async def work(store: SqliteStore) -> Person | None:
        settings = load(config, {})
        return await find(Desk(settings=settings, store=store, effective=Effective(settings)), who)

    return in_store(config, work)


@pytest.mark.parametrize("who", ["ada", "7", "ada@example.com", "ADA@Example.com", f"{ISSUER} id-ada"])
def test_one_person_answers_to_many_names(who: str, config: Path) -> None:
    in_store(config, people)
    person = found(config, who)
    assert person is not None
    assert (person.account, person.logins, len(person.sessions)) == ("7", ("ada",), 1)
    assert person.last_vouched_at == THEN
    assert not person.is_blocked


@pytest.mark.parametrize("who", ["eve", "Ada", "", "9", "id-ada", "example.com"])
def test_nobody_else_is_guessed_at(who: str, config: Path) -> None:
    in_store(config, people)
    assert found(config, who) is None


def test_a_newcomer_without_an_account_is_known_by_address(config: Path) -> None:
    in_store(config, people)
    person = found(config, "newcomer@example.com")
    assert person is not None
    assert (person.account, person.name) == (None, "newcomer@example.com")


def test_somebody_removed_is_known_by_login_still(config: Path) -> None:
    async def gone(store: SqliteStore) -> None:
        await people(store)
        await store.outbox.note(removed("bob"), THEN + 1)

    in_store(config, gone)
    person = found(config, "bob")
    assert person is not None
    assert (person.name, person.emails, person.last_vouched_at) == ("bob", (), None)


def test_a_name_that_means_two_people_is_refused(config: Path) -> None:
    async def twice(store: SqliteStore) -> None:
        await add_member(store, "ada", "7")
        await add_member(store, "8", "9")
        await add_member(store, "bob", "8")

    in_store(config, twice)
    with pytest.raises(SettingsError, match="means several people"):
        found(config, "8")


@pytest.mark.parametrize(
    ("who", "account"),
    [
        ("account:8", "8"),
        ("login:8", "9"),
        ("email:8@example.com", "9"),
        ("email:BOB@example.com", "8"),
        ("sub:id-ada", "7"),
        (f"sub:{ISSUER} id-ada", "7"),
        ("login:ada@example.com", None),
        ("account:ada", None),
        ("sub:ada", None),
    ],
)
def test_a_word_before_a_colon_says_what_is_meant(who: str, account: str | None, config: Path) -> None:
    async def twice(store: SqliteStore) -> None:
        await add_member(store, "ada", "7")
        await add_member(store, "8", "9")
        await add_member(store, "bob", "8")

    in_store(config, twice)
    person = found(config, who)
    assert (person and person.account) == account
    with pytest.raises(SettingsError, match=r"account:9 \(8@example.com\); account:8 \(bob@example.com\)"):
        found(config, "8")


def test_everybody_is_listed_once_members_first(config: Path) -> None:
    async def work(store: SqliteStore) -> list[str]:
        await people(store)
        settings = load(config, {})
        desk = Desk(settings=settings, store=store, effective=Effective(settings))
        with pytest.raises(SettingsError):
            await find_one(desk, "eve")
        return [one.name for one in await everybody(desk)]

    names = in_store(config, work)
    assert names == ["ada@example.com", "bob@example.com", "newcomer@example.com"]
    assert not asyncio.iscoroutine(names)
