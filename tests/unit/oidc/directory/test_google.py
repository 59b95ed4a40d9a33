"""Google: suspended, archived, gone; only people of its own domains; scopes no wider than delegated."""

import json
from dataclasses import replace

import pytest

from proxy.oidc.directory.calls import Page
from proxy.oidc.directory.google import delegated_form, standing_of
from proxy.oidc.directory.rules import GoogleRules
from proxy.provisioning.directory import Active, Cause, Gone, Standing, Suspended, Unknown
from tests.fakes.directories import EMAIL, SCOPE, FakeGoogle, asking, pem
from tests.fakes.idp import NOW, Reply, named

UNREADABLE = Unknown(detail="answer_unreadable")
KEY = {"client_email": "reader@muster.iam.gserviceaccount.com", "private_key": pem(), "private_key_id": "k"}
RULES = GoogleRules(
    url="https://g",
    token_url="https://g/token",
    key=lambda: json.dumps(KEY),
    admin="admin@example.com",
    domains=frozenset({"example.com"}),
)


@pytest.mark.parametrize(
    ("document", "standing"),
    [
        ({"id": "1", "suspended": False, "archived": False}, Active()),
        ({"id": "1"}, Active()),
        ({"id": "1", "suspended": True}, Suspended(marker="suspended")),
        ({"id": "1", "suspended": True, "suspensionReason": "ADMIN"}, Suspended(marker="suspended ADMIN")),
        ({"id": "1", "suspended": True, "suspensionReason": "a b"}, Suspended(marker="suspended")),
        ({"id": "1", "archived": True}, Suspended(marker="archived")),
        ({"id": "1", "deletionTime": "2026-11-01T00:00:00Z"}, Gone(marker="deletionTime")),
        ({"suspended": True}, UNREADABLE),
        ({"id": "1", "suspended": "true"}, UNREADABLE),
        ({"id": "1", "archived": 1}, UNREADABLE),
        ({}, UNREADABLE),
        ([], UNREADABLE),
    ],
)
def test_every_row_of_the_table(document: dict[str, object], standing: Standing) -> None:
    assert standing_of(Page(document=document)) == standing


@pytest.mark.parametrize("email", ["alice@gmail.com", "alice@evil-example.com", "example.com", "", None])
async def test_people_of_other_domains_are_not_judged(email: str | None) -> None:
    """A private account that signed in is in nobody's directory: 404 about it would mean nothing."""
    async with asking(FakeGoogle()) as asked:
        asked.fake.delete()
        unknown = await asked.directory.ask(asked.subject, email)
        assert unknown == Unknown(detail="address_elsewhere", cause=Cause.NOT_COVERED)
        assert asked.fake.asked == []


async def test_the_domain_is_compared_without_case() -> None:
    async with asking(FakeGoogle()) as asked:
        assert await asked.directory.ask(asked.subject, "Alice@EXAMPLE.com") == Active()


async def test_an_administrator_who_is_not_found_proves_nothing() -> None:
    async with asking(FakeGoogle()) as asked:
        asked.fake.delete()
        del asked.fake.people["admin@example.com"]
        unknown = await asked.directory.ask(asked.subject, EMAIL)
        assert unknown == Unknown(detail="directory_shows_nobody", cause=Cause.MISCONFIGURED)


@pytest.mark.parametrize("reason", ["quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded"])
async def test_a_quota_is_trouble_though_it_is_a_403(reason: str) -> None:
    async with asking(FakeGoogle()) as asked:
        error = {"error": {"code": 403, "errors": [{"reason": reason}]}}
        asked.fake.alter["user"] = lambda _: Reply(error, status=403)
        assert await asked.directory.ask(asked.subject, EMAIL) == Unknown(detail=f"http_403 {reason}")


async def test_scopes_are_no_wider_than_needed() -> None:
    """One scope more than was delegated refuses the whole request."""
    fake = FakeGoogle()
    fake.delegated = {f"{SCOPE}.user.readonly"}
    async with asking(fake, is_telling=False) as asked:
        assert await asked.directory.ask(asked.subject, EMAIL) == Active()
        assert fake.claims["scope"] == f"{SCOPE}.user.readonly"
    async with asking(fake, is_telling=True) as asked:
        unknown = await asked.directory.ask(asked.subject, EMAIL)
        assert unknown == Unknown(detail="token_http_401 invalid_client", cause=Cause.MISCONFIGURED)


async def test_a_person_without_groups_has_none() -> None:
    async with asking(FakeGoogle()) as asked:
        assert await asked.directory.groups(asked.subject, EMAIL) == named()


@pytest.mark.parametrize(
    "body", [{}, {"kind": "admin#directory#user"}, {"kind": "admin#directory#groups", "groups": 3}]
)
async def test_an_answer_that_is_no_list_of_groups_is_unknown(body: dict[str, object]) -> None:
    async with asking(FakeGoogle()) as asked:
        asked.fake.alter["groups"] = lambda _: Reply(body)
        assert await asked.directory.groups(asked.subject, EMAIL) == UNREADABLE


async def test_a_page_that_names_itself_as_the_next_is_given_up() -> None:
    async with asking(FakeGoogle()) as asked:
        body = {"kind": "admin#directory#groups", "nextPageToken": "0"}
        asked.fake.alter["groups"] = lambda _: Reply(body)
        assert await asked.directory.groups(asked.subject, EMAIL) == Unknown(detail="too_many_pages")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "[]",
        "{}",
        json.dumps({**KEY, "private_key": "x"}),
        json.dumps({**KEY, "client_email": None}),
    ],
)
def test_a_key_file_that_is_none_is_misconfigured(text: str) -> None:
    form = delegated_form(replace(RULES, key=lambda: text), is_telling_groups=False)(NOW)
    assert isinstance(form, Unknown)
    assert form.cause is Cause.MISCONFIGURED


def test_a_key_without_an_id_is_used_without() -> None:
    key = json.dumps({**KEY, "private_key_id": None})
    form = delegated_form(replace(RULES, key=lambda: key), is_telling_groups=False)(NOW)
    assert not isinstance(form, Unknown)
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
