"""From the settings `bearer` to the rules of each issuer."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from proxy.app import rules
from proxy.app.bearers import issuer_rules, open_bearers
from proxy.identity import IdpId
from tests.fakes.configurations import IDP, settings_of

AUDIENCES = ["https://app.example.com", "urn:app"]


def issuer(tmp_path: Path, entry: dict[str, Any], **idp: Any) -> Any:
    settings = settings_of(tmp_path, bearer=[entry], idps=[{**IDP, **idp}])
    return issuer_rules(settings.bearer[0], settings)


def test_an_idps_tokens_are_read_as_it_states_people(tmp_path: Path) -> None:
    found = issuer(
        tmp_path,
        {"idp": "corp", "audiences": AUDIENCES, "required_scopes": ["api"], "algorithms": ["ES256"]},
        trust_email=True,
        claims={"groups": ["roles"]},
        timeout="3s",
    )
    idp = found.access.idp
    assert (idp.id, idp.issuer, idp.is_email_trusted, idp.timeout) == (
        IdpId("corp"),
        IDP["issuer"],
        True,
        3.0,
    )
    assert idp.groups.paths == ("roles",)
    assert idp.signing_algorithms == {"ES256"}
    assert (found.access.audiences, found.access.scopes) == (set(AUDIENCES), {"api"})
    assert (found.access.takes_plain_jwt, found.jwks_url, found.introspection) == (False, None, None)


def test_an_issuer_of_its_own_has_its_own_claims(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("secret\n")
    found = issuer(
        tmp_path,
        {
            "id": "machines",
            "issuer": "https://m.example.com",
            "audiences": "urn:app",
            "plain_jwt": True,
            "jwks_url": "https://m.example.com/keys",
            "claims": {"email": "mail", "groups": "roles"},
            "groups_separator": ",",
            "trust_email": True,
            "timeout": "4s",
            "introspection": {
                "url": "https://m.example.com/i",
                "client_id": "c",
                "client_secret": {"file": "s"},
                "kept": "30s",
            },
        },
    )
    idp = found.access.idp
    assert (idp.id, idp.issuer, idp.claims.email, idp.is_email_trusted, idp.timeout) == (
        IdpId("machines"),
        "https://m.example.com",
        "mail",
        True,
        4.0,
    )
    assert (idp.groups.paths, idp.groups.separator, idp.signing_algorithms) == (("roles",), ",", frozenset())
    assert found.access.takes_plain_jwt
    assert found.jwks_url == "https://m.example.com/keys"
    asked = found.introspection
    assert (asked.url, asked.client_id, asked.secret(), asked.kept) == (
        "https://m.example.com/i",
        "c",
        "secret",
        30.0,
    )


async def test_without_an_issuer_there_are_no_bearer_clients(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        assert await open_bearers(settings_of(tmp_path), None, None, stack) is None  # type: ignore[arg-type]


def test_two_issuers_without_an_app_have_logins_apart(tmp_path: Path) -> None:
    own = {"id": "machines", "issuer": "https://m.example.com", "audiences": AUDIENCES}
    headers = {"user_claim": "sub"}
    alone = settings_of(tmp_path, app=None, headers=headers)
    same = settings_of(tmp_path, app=None, headers=headers, bearer=[{"idp": "corp", "audiences": AUDIENCES}])
    two = settings_of(tmp_path, app=None, headers=headers, bearer=[own])
    assert [rules.arrival_rules(one).is_prefixed for one in (alone, same, two)] == [False, False, True]
