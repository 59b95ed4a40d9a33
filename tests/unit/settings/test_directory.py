"""A directory: what each kind needs, and which addresses follow from the issuer."""

from pathlib import Path
from typing import Any, Final

import pytest

from proxy.settings.directory import GOOGLE, GOOGLE_TOKEN, GRAPH, Directory, Places
from tests.fakes.configurations import IDP, mistakes_of, settings_of

REALM: Final = "https://keycloak.example.com/auth/realms/corp"
TENANT: Final = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0"
SECRET: Final = {"env": "SECRET"}
ENVIRONMENT: Final = {"SECRET": "s3cret"}
READER: Final = {"client_id": "reader", "client_secret": SECRET}


def mistakes(folder: Path, directory: dict[str, Any], issuer: str = REALM, **idp: Any) -> dict[str, str]:
    """What is wrong, by the directory's settings."""
    written = [{**IDP, "issuer": issuer, **idp, "directory": directory}]
    found = mistakes_of(folder, ENVIRONMENT, idps=written)
    return {path.removeprefix("idps[0].directory").lstrip("."): text for path, text in found.items()}


def directory(folder: Path, written: dict[str, Any], issuer: str = REALM) -> Directory:
    idps = [{**IDP, "issuer": issuer, "directory": written}]
    found = settings_of(folder, ENVIRONMENT, idps=idps).idps[0].directory
    assert found is not None
    return found


def test_without_one_none_is_asked(tmp_path: Path) -> None:
    assert settings_of(tmp_path).idps[0].directory is None


@pytest.mark.parametrize(
    ("written", "issuer", "places"),
    [
        (
            {"kind": "keycloak", **READER},
            REALM,
            Places(
                url="https://keycloak.example.com/auth/admin/realms/corp",
                token_url=f"{REALM}/protocol/openid-connect/token",
            ),
        ),
        (
            {"kind": "keycloak", **READER},
            "https://k/realms/corp/",
            Places(
                url="https://k/admin/realms/corp",
                token_url="https://k/realms/corp/protocol/openid-connect/token",
            ),
        ),
        (
            {"kind": "okta", "token": SECRET},
            "https://example.okta.com/oauth2/default",
            Places(url="https://example.okta.com", token_url="https://example.okta.com/oauth2/v1/token"),
        ),
        (
            {"kind": "entra", **READER},
            TENANT,
            Places(url=GRAPH, token_url=TENANT.removesuffix("/v2.0") + "/oauth2/v2.0/token"),
        ),
        (
            {"kind": "entra", **READER},
            "https://sts.windows.net/0-0/",
            Places(url=GRAPH, token_url="https://login.microsoftonline.com/0-0/oauth2/v2.0/token"),
        ),
        (
            {"kind": "google", "key": SECRET, "admin": "a@example.com"},
            "https://accounts.google.com",
            Places(url=GOOGLE, token_url=GOOGLE_TOKEN),
        ),
        (
            {"kind": "entra", **READER, "url": "https://graph.microsoft.us/", "token_url": "https://t/x"},
            "https://any.example.com",
            Places(url="https://graph.microsoft.us", token_url="https://t/x"),
        ),
    ],
)
def test_addresses_follow_from_the_issuer_or_are_written(
    written: dict[str, Any], issuer: str, places: Places, tmp_path: Path
) -> None:
    assert directory(tmp_path, written, issuer).places(issuer) == places


@pytest.mark.parametrize(("kind", "issuer"), [("keycloak", "https://idp.example.com"), ("entra", REALM)])
def test_an_issuer_of_another_shape_needs_addresses(kind: str, issuer: str, tmp_path: Path) -> None:
    assert "write url and token_url" in mistakes(tmp_path, {"kind": kind, **READER}, issuer)["url"]


@pytest.mark.parametrize(
    ("kind", "claim"), [("keycloak", "sub"), ("okta", "sub"), ("entra", "oid"), ("google", "sub")]
)
def test_the_claim_with_the_id_follows_from_the_kind(kind: str, claim: str) -> None:
    assert Directory.model_validate({"kind": kind}).id_claim == claim
    assert Directory.model_validate({"kind": kind, "id_claim": "employee"}).id_claim == "employee"


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ({"kind": "okta"}, {"token"}),
        ({"kind": "okta", "client_id": "x"}, {"token"}),
        ({"kind": "okta", "key": SECRET}, {"token"}),
        ({"kind": "okta", "token": SECRET, "key": SECRET, "client_id": "x"}, {"token"}),
        ({"kind": "okta", "token": SECRET, "client_secret": SECRET}, {"client_secret"}),
        ({"kind": "okta", "token": SECRET, "group_names": "path"}, {"group_names"}),
        ({"kind": "google"}, {"key", "admin"}),
        ({"kind": "google", "key": SECRET, "admin": "admin"}, {"admin"}),
        ({"kind": "google", "key": SECRET, "admin": "a@x", **READER}, {"client_id", "client_secret"}),
        ({"kind": "keycloak", "client_id": "reader"}, {"client_secret"}),
        ({"kind": "keycloak", "client_secret": SECRET}, {"client_secret", "client_id"}),
        ({"kind": "keycloak", **READER, "admin": "a@x", "domains": ["x"]}, {"admin", "domains"}),
        ({"kind": "keycloak", **READER, "url": "http://keycloak/admin/realms/corp"}, {"url"}),
        ({"kind": "keycloak", **READER, "token_url": "http://keycloak/token"}, {"token_url"}),
        ({"kind": "keycloak"}, {"client_id"}),
    ],
)
def test_what_does_not_fit_the_kind_is_named(
    written: dict[str, Any], names: set[str], tmp_path: Path
) -> None:
    assert mistakes(tmp_path, written).keys() == names


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "okta", "token": SECRET},
        {"kind": "okta", "client_id": "x", "key": SECRET, "key_id": "k"},
        {"kind": "google", "key": SECRET, "admin": "a@x", "domains": "x", "groups": True},
        {"kind": "keycloak", **READER, "group_names": "path"},
        {"kind": "keycloak", **READER, "url": "http://localhost:8080/admin/realms/corp"},
        {"kind": "okta", "token": SECRET, "client_secret": None, "domains": [], "group_names": "name"},
    ],
)
def test_what_fits_is_served(written: dict[str, Any], tmp_path: Path) -> None:
    assert mistakes(tmp_path, written) == {}


def test_the_idps_own_client_will_do_where_it_has_a_secret(tmp_path: Path) -> None:
    assert mistakes(tmp_path, {"kind": "keycloak"}, client_secret=SECRET) == {}


def test_a_kind_must_be_named_and_known(tmp_path: Path) -> None:
    assert "kind" in mistakes(tmp_path, {})
    assert "kind" in mistakes(tmp_path, {"kind": "ldap"})
