"""Okta: every status has a row; ids are ids; the service app proves itself by its key; pages stay on the origin."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.oidc.directory.okta import service_form, standing_of
from proxy.oidc.directory.rules import OktaRules
from proxy.provisioning.directory import Active, Cause, Gone, Standing, Suspended, Unknown
from tests.fakes.directories import EMAIL, SECRET, FakeOkta, FakeOktaService, asking, pem
from tests.fakes.idp import NOW, Reply

KEY_RULES = OktaRules(url="https://o", token_url="https://o/t", client_id="0oa", key=pem, key_id="k")


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("ACTIVE", Active()),
        ("PASSWORD_EXPIRED", Active()),
        ("RECOVERY", Active()),
        ("LOCKED_OUT", Active()),
        ("STAGED", Active()),
        ("PROVISIONED", Active()),
        ("SUSPENDED", Suspended(marker="SUSPENDED")),
        ("DEPROVISIONED", Suspended(marker="DEPROVISIONED")),
        ("RETIRED", Unknown(detail="answer_unreadable")),
        ("active", Unknown(detail="answer_unreadable")),
        ("", Unknown(detail="answer_unreadable")),
        (None, Unknown(detail="answer_unreadable")),
        (7, Unknown(detail="answer_unreadable")),
    ],
)
def test_every_row_of_the_table(status: object, standing: Standing) -> None:
    assert standing_of(status) == standing


async def test_a_deactivated_person_is_suspended_and_a_deleted_one_gone() -> None:
    async with asking(FakeOkta()) as asked:
        asked.fake.people[asked.fake.alice].record = {"status": "DEPROVISIONED"}
        assert await asked.directory.ask(asked.subject, EMAIL) == Suspended(marker="DEPROVISIONED")
        asked.fake.delete()
        assert await asked.directory.ask(asked.subject, EMAIL) == Gone(marker="http_404 E0000007")


@pytest.mark.parametrize("login", ["alice", "alice@example.com", "me", "00ub0oNGTSWTBKOLGLN1x"])
async def test_a_login_is_never_sent_as_an_id(login: str) -> None:
    """Okta would find somebody by it, perhaps somebody else."""
    async with asking(FakeOkta()) as asked:
        unknown = await asked.directory.ask(replace(asked.subject, subject=login), EMAIL)
        assert unknown == Unknown(detail="id_of_another_kind", cause=Cause.MISCONFIGURED)
        assert asked.fake.asked == []


async def test_a_next_page_elsewhere_gets_no_token_and_gives_no_half_a_list() -> None:
    async with asking(FakeOkta()) as asked:
        groups = [{"profile": {"name": "engineers"}}]
        link = {"Link": '<https://evil.example.com/api/v1/groups?after=1>; rel="next"'}
        asked.fake.alter["groups"] = lambda _: Reply(groups, headers=link)
        known = await asked.directory.groups(asked.subject, EMAIL)
        assert known == Unknown(detail="next_page_elsewhere", cause=Cause.MISCONFIGURED)


async def test_a_list_without_end_is_given_up() -> None:
    async with asking(FakeOkta()) as asked:

        def again(reply: Reply) -> Reply:
            link = {"Link": f'<{asked.fake.url}{asked.fake.asked[-1].path}?limit=200&after=0>; rel="next"'}
            return Reply([{"profile": {"name": "engineers"}}], headers=link)

        asked.fake.alter["groups"] = again
        assert await asked.directory.groups(asked.subject, EMAIL) == Unknown(detail="too_many_pages")
        assert asked.fake.count("groups") == 50


async def test_an_address_with_quotes_stays_one_address() -> None:
    async with asking(FakeOkta()) as asked:
        asked.fake.delete()
        await asked.directory.ask(asked.subject, 'a"\\b@example.com')
        assert asked.fake.asked[-1].query["filter"] == 'profile.email eq "a\\"\\\\b@example.com"'


async def test_the_service_app_proves_itself_by_its_key() -> None:
    async with asking(FakeOktaService()) as asked:
        assert await asked.directory.ask(asked.subject, EMAIL) == Active()
        assert asked.fake.claims["scope"] == "okta.users.read okta.groups.read"
        assert asked.fake.claims["iat"] == NOW


async def test_scopes_for_groups_are_asked_for_only_where_groups_are() -> None:
    async with asking(FakeOktaService(), is_telling=False) as asked:
        await asked.directory.ask(asked.subject, EMAIL)
        assert asked.fake.claims["scope"] == "okta.users.read"


def test_no_assertion_is_made_twice() -> None:
    form = service_form(KEY_RULES, is_telling_groups=False)
    one, other = form(NOW), form(NOW)
    assert not isinstance(one, Unknown)
    assert one != other


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"key": None}, "secret_missing"),
        ({"key": lambda: "no key"}, "key_unreadable"),
        ({"client_id": None}, "key_unreadable"),
    ],
)
def test_a_key_that_cannot_be_used_is_misconfigured(changed: dict[str, Any], detail: str) -> None:
    form = service_form(replace(KEY_RULES, **changed), is_telling_groups=False)
    assert form(NOW) == Unknown(detail=detail, cause=Cause.MISCONFIGURED)


async def test_a_rotated_api_token_is_read_again_at_once() -> None:
    current = ["old"]

    class Rotating(FakeOkta):
        def rules(self) -> OktaRules:
            return OktaRules(url=self.url, token_url=self.url, token=lambda: current[0])

    def rotate(reply: Reply) -> Reply:
        current[0] = SECRET
        return reply

    async with asking(Rotating()) as asked:
        asked.fake.alter["user"] = rotate
        assert await asked.directory.ask(asked.subject, EMAIL) == Active()
        assert [one.authorization for one in asked.fake.asked] == ["SSWS old", f"SSWS {SECRET}"]
