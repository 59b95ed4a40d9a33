"""Each IdP becomes a client, and a directory where one is configured."""

from pathlib import Path
from typing import Any, Final

import pytest

from proxy.app.idps import directory_rules, open_idps
from proxy.app.rules import idp_rules
from proxy.identity import IdpId, Subject
from proxy.oidc.directory.rules import EntraRules, GoogleRules, KeycloakRules, OktaRules
from proxy.oidc.transport import open_session
from proxy.provisioning.directory import Standing, Unknown
from tests.fakes.configurations import IDP, settings_of
from tests.fakes.idp import NOW

ENVIRONMENT: Final = {"OWN": "own-secret", "READER": "reader-secret", "KEY": "line one\nline two"}
REALM: Final = "https://k.example.com/realms/corp"
TENANT: Final = "https://login.microsoftonline.com/tenant/v2.0"
READER: Final = {"client_id": "reader", "client_secret": {"env": "READER"}}


class Heard:
    def __init__(self) -> None:
        self.heard: list[tuple[IdpId, Standing]] = []

    def directory_answered(self, idp: IdpId, subject: Subject, standing: Standing) -> None:
        self.heard.append((idp, standing))


def one(folder: Path, issuer: str, directory: dict[str, Any] | None, **idp: Any) -> Any:
    written = {**IDP, "issuer": issuer, "client_secret": {"env": "OWN"}, "directory": directory, **idp}
    return settings_of(folder, ENVIRONMENT, idps=[written]).idps[0]


def product(folder: Path, issuer: str, directory: dict[str, Any]) -> Any:
    rules = directory_rules(one(folder, issuer, directory))
    assert rules is not None
    return rules.product


def test_no_directory_no_rules(tmp_path: Path) -> None:
    assert directory_rules(one(tmp_path, REALM, None)) is None


def test_keycloak_with_its_own_reader(tmp_path: Path) -> None:
    rules = product(tmp_path, REALM, {"kind": "keycloak", **READER, "group_names": "path"})
    assert isinstance(rules, KeycloakRules)
    assert (rules.client_id, rules.secret(), rules.is_by_path) == ("reader", "reader-secret", True)
    assert rules.url == "https://k.example.com/admin/realms/corp"


@pytest.mark.parametrize(("kind", "issuer"), [("keycloak", REALM), ("entra", TENANT)])
def test_the_idps_own_client_where_none_is_named(kind: str, issuer: str, tmp_path: Path) -> None:
    rules = product(tmp_path, issuer, {"kind": kind})
    assert isinstance(rules, KeycloakRules | EntraRules)
    assert (rules.client_id, rules.secret()) == ("muster", "own-secret")


def test_okta_by_token_or_by_key(tmp_path: Path) -> None:
    by_token = product(tmp_path, "https://o.okta.com", {"kind": "okta", "token": {"env": "READER"}})
    assert isinstance(by_token, OktaRules)
    assert by_token.token is not None
    assert by_token.token() == "reader-secret"
    keyed = {"kind": "okta", "client_id": "0oa", "key": {"env": "KEY"}, "key_id": "k"}
    by_key = product(tmp_path, "https://o.okta.com", keyed)
    assert isinstance(by_key, OktaRules)
    assert (by_key.token, by_key.client_id, by_key.key_id) == (None, "0oa", "k")
    assert by_key.key is not None
    assert by_key.key() == ENVIRONMENT["KEY"]


@pytest.mark.parametrize(
    ("written", "domains"),
    [({}, {"example.com"}), ({"domains": ["A.example", "b.example"]}, {"a.example", "b.example"})],
)
def test_googles_domains_are_the_administrators_unless_written(
    written: dict[str, Any], domains: set[str], tmp_path: Path
) -> None:
    google = {"kind": "google", "key": {"env": "KEY"}, "admin": "admin@Example.com", **written}
    rules = product(tmp_path, "https://accounts.google.com", google)
    assert isinstance(rules, GoogleRules)
    assert rules.domains == domains


def test_no_secret_is_shown(tmp_path: Path) -> None:
    rules = directory_rules(one(tmp_path, REALM, {"kind": "keycloak", **READER}))
    assert "secret" not in repr(rules).replace("client_secret", "")


@pytest.mark.parametrize(
    ("kind", "directory", "claim"),
    [
        ("generic", None, None),
        ("entra", None, "oid"),
        ("generic", {"kind": "keycloak"}, None),
        ("generic", {"kind": "keycloak", "id_claim": "employee"}, "employee"),
        ("entra", {"kind": "keycloak"}, None),
    ],
)
def test_the_id_is_read_from_a_claim_where_the_subject_is_not_it(
    kind: str, directory: dict[str, Any] | None, claim: str | None, tmp_path: Path
) -> None:
    idp = one(tmp_path, REALM, directory, kind=kind)
    assert idp_rules(idp).claims.directory_id == claim
    rules = directory_rules(idp)
    assert rules is None or rules.is_subject_id is (claim is None)


@pytest.mark.parametrize("is_telling", [True, False])
async def test_groups_are_asked_for_only_where_the_settings_say_so(is_telling: bool, tmp_path: Path) -> None:
    keycloak = {"kind": "keycloak", "groups": is_telling}
    idps = [
        {**IDP, "issuer": REALM, "client_secret": {"env": "OWN"}, "directory": keycloak},
        {**IDP, "id": "plain", "issuer": "https://b.example.com"},
    ]
    hears = Heard()
    async with open_session() as http:
        opened = open_idps(settings_of(tmp_path, ENVIRONMENT, idps=idps), http, hears, clock=lambda: NOW)
    assert opened.directories.keys() == {"corp"}
    asked = [client._group_directory for client in opened.clients]  # the one place that says who is asked
    assert asked == [opened.directories[IdpId("corp")] if is_telling else None, None]
    unknown = await opened.directories[IdpId("corp")].ask(
        Subject(issuer=REALM, subject=".."), None, directory_id=None
    )
    assert isinstance(unknown, Unknown)
    assert hears.heard == [(IdpId("corp"), unknown)]
