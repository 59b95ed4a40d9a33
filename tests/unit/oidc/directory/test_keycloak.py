"""Keycloak: the standing by `enabled`, groups by name or by path."""

import pytest

from proxy.oidc.directory.keycloak import PAGE, client_form, standing_of
from proxy.oidc.directory.rules import KeycloakRules
from proxy.provisioning.directory import Active, Cause, Standing, Suspended, Unknown
from tests.fakes.directories import EMAIL, SECRET, FakeKeycloak, asking
from tests.fakes.idp import named

UNREADABLE = Unknown(detail="answer_unreadable")


@pytest.mark.parametrize(
    ("enabled", "standing"),
    [
        (True, Active()),
        (False, Suspended(marker="enabled=false")),
        (None, UNREADABLE),
        ("true", UNREADABLE),
        (1, UNREADABLE),
        (0, UNREADABLE),
    ],
)
def test_every_row_of_the_table(enabled: object, standing: Standing) -> None:
    assert standing_of(enabled) == standing


async def test_groups_are_named_by_path_where_the_mapper_does_so() -> None:
    class ByPath(FakeKeycloak):
        def rules(self) -> KeycloakRules:
            plain = super().rules()
            assert isinstance(plain, KeycloakRules)
            return KeycloakRules(
                url=plain.url,
                token_url=plain.token_url,
                client_id=plain.client_id,
                secret=plain.secret,
                is_by_path=True,
            )

    async with asking(ByPath()) as asked:
        asked.fake.people[asked.fake.alice].groups = ["engineers"]
        assert await asked.directory.groups(asked.subject, EMAIL) == named("/staff/engineers")


@pytest.mark.parametrize("count", [PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
async def test_long_lists_are_read_to_their_end(count: int) -> None:
    async with asking(FakeKeycloak()) as asked:
        names = [f"g{number}" for number in range(count)]
        asked.fake.people[asked.fake.alice].groups = names
        assert await asked.directory.groups(asked.subject, EMAIL) == named(*names)
        assert asked.fake.count("groups") == count // PAGE + 1


async def test_a_federated_person_has_an_id_with_colons_and_whatever_their_directory_calls_them() -> None:
    fake = FakeKeycloak()
    fake.people["f:ldap:alice/../bob"] = fake.people[fake.alice]
    async with asking(fake) as asked:
        standing = await asked.directory.ask(asked.subject, EMAIL, directory_id="f:ldap:alice/../bob")
        assert standing == Active()
        assert asked.fake.asked[-1].path.endswith("/users/f:ldap:alice%2F..%2Fbob")


def test_the_grant_is_the_clients_own() -> None:
    rules = KeycloakRules(url="u", token_url="t", client_id="reader", secret=lambda: SECRET)
    assert client_form(rules) == {
        "grant_type": "client_credentials",
        "client_id": "reader",
        "client_secret": SECRET,
    }


def test_without_a_secret_there_is_no_grant() -> None:
    rules = KeycloakRules(url="u", token_url="t", client_id="reader", secret=lambda: None)
    assert client_form(rules) == Unknown(detail="secret_missing", cause=Cause.MISCONFIGURED)
