"""Entra: `accountEnabled`, object ids, and memberships in one answer."""

from dataclasses import replace

import pytest

from proxy.oidc.directory.calls import Page
from proxy.oidc.directory.entra import address_filter, client_form, standing_of
from proxy.oidc.directory.rules import EntraRules
from proxy.provisioning.directory import Active, Cause, Gone, Standing, Suspended, Unknown
from tests.fakes.directories import EMAIL, SECRET, FakeEntra, asking
from tests.fakes.idp import Reply, named

UNREADABLE = Unknown(detail="answer_unreadable")
HIDDEN = Unknown(detail="account_enabled_hidden", cause=Cause.MISCONFIGURED)
RULES = EntraRules(url="https://graph", token_url="https://t", client_id="reader", secret=lambda: SECRET)


@pytest.mark.parametrize(
    ("document", "standing"),
    [
        ({"id": "1", "accountEnabled": True}, Active()),
        ({"id": "1", "accountEnabled": False}, Suspended(marker="accountEnabled=false")),
        ({"id": "1", "accountEnabled": None}, HIDDEN),
        ({"id": "1"}, HIDDEN),
        ({}, UNREADABLE),
        ({"id": "1", "accountEnabled": "false"}, UNREADABLE),
        ({"id": "1", "accountEnabled": 2}, UNREADABLE),
        ([], UNREADABLE),
    ],
)
def test_every_row_of_the_table(document: dict[str, object], standing: Standing) -> None:
    assert standing_of(Page(document=document)) == standing


async def test_the_object_id_is_asked_for_and_not_the_subject() -> None:
    async with asking(FakeEntra()) as asked:
        assert await asked.directory.ask(asked.subject, EMAIL, directory_id=asked.fake.alice) == Active()
        assert asked.fake.asked[-1].path == f"/v1.0/users/{asked.fake.alice}"


async def test_without_an_object_id_nothing_is_known_and_nothing_asked() -> None:
    """A session from before ids were kept; the next refresh states it."""
    async with asking(FakeEntra()) as asked:
        unknown = await asked.directory.ask(asked.subject, EMAIL)
        assert unknown == Unknown(detail="id_not_stated", cause=Cause.NOT_COVERED)
        assert await asked.directory.groups(asked.subject, EMAIL) == unknown
        assert asked.fake.asked == []


async def test_a_subject_in_place_of_an_object_id_is_misconfigured() -> None:
    async with asking(FakeEntra()) as asked:
        unknown = await asked.directory.ask(asked.subject, EMAIL, directory_id=asked.subject.subject)
        assert unknown == Unknown(detail="id_of_another_kind", cause=Cause.MISCONFIGURED)


async def test_only_graphs_own_word_for_absent_makes_somebody_gone() -> None:
    async with asking(FakeEntra()) as asked:
        asked.fake.delete()
        gone = await asked.directory.ask(asked.subject, EMAIL, directory_id=asked.fake.alice)
        assert gone == Gone(marker="http_404 Request_ResourceNotFound")


@pytest.mark.parametrize(
    "body", [b"<html>not here</html>", {"error": {"code": "ResourceNotFound"}}, {"error": "x"}, b""]
)
async def test_any_other_404_is_misconfigured(body: object) -> None:
    """A proxy or a wrong address in between."""
    async with asking(FakeEntra()) as asked:
        asked.fake.delete()
        asked.fake.alter["user"] = lambda _: Reply(body, status=404)
        unknown = await asked.directory.ask(asked.subject, EMAIL, directory_id=asked.fake.alice)
        assert isinstance(unknown, Unknown)
        assert unknown.cause is Cause.MISCONFIGURED


def test_an_address_with_a_quote_stays_one_address() -> None:
    assert address_filter("o'hara@x") == "mail eq 'o''hara@x' or userPrincipalName eq 'o''hara@x'"


async def test_a_long_list_comes_in_one_answer() -> None:
    names = [f"{number:08}-0000-4000-8000-000000000001" for number in range(2000)]
    async with asking(FakeEntra()) as asked:
        asked.fake.people[asked.fake.alice].groups = names
        known = await asked.directory.groups(asked.subject, EMAIL, directory_id=asked.fake.alice)
        assert known == named(*names)


@pytest.mark.parametrize("extra", [{"@odata.nextLink": "https://x"}, {"value": None}, {"value": "all"}])
async def test_a_list_that_is_not_whole_is_unknown(extra: dict[str, object]) -> None:
    async with asking(FakeEntra()) as asked:
        asked.fake.alter["groups"] = lambda reply: replace(reply, body={**reply.body, **extra})
        known = await asked.directory.groups(asked.subject, EMAIL, directory_id=asked.fake.alice)
        assert known == UNREADABLE


def test_the_grant_is_for_what_was_consented_to() -> None:
    form = client_form(RULES)
    assert not isinstance(form, Unknown)
    assert form["scope"] == "https://graph/.default"


def test_an_unreadable_secret_is_misconfigured() -> None:
    def unreadable() -> str:
        raise OSError("gone")

    form = client_form(replace(RULES, secret=unreadable))
    assert form == Unknown(detail="secret_unreadable", cause=Cause.MISCONFIGURED)
