"""What entries of `bearer` must not say beside the IdPs and beside each other."""

from pathlib import Path
from typing import Any

from tests.fakes.configurations import IDP, mistakes_of

AUDIENCES = ["https://app.example.com"]
CORP = {"idp": "corp", "audiences": AUDIENCES}
OWN = {"id": "machines", "issuer": "https://machines.example.com", "audiences": AUDIENCES}


def wrong(tmp_path: Path, *entries: dict[str, Any], **changes: Any) -> dict[str, str]:
    (tmp_path / "s").write_text("secret\n")
    return mistakes_of(tmp_path, bearer=list(entries), **changes)


def asked(url: str = "https://idp.example.com/i") -> dict[str, Any]:
    return {"introspection": {"url": url, "client_id": "c", "client_secret": {"file": "s"}}}


def test_two_issuers_side_by_side_are_fine(tmp_path: Path) -> None:
    assert wrong(tmp_path, {**CORP, **asked()}, OWN) == {}


def test_an_idp_that_is_named_must_be_there(tmp_path: Path) -> None:
    assert "no IdP with the id 'other'" in wrong(tmp_path, {**CORP, "idp": "other"})["bearer[0].idp"]


def test_an_idps_id_or_issuer_is_not_taken_by_another(tmp_path: Path) -> None:
    assert "write `idp: corp`" in wrong(tmp_path, {**OWN, "id": "corp"})["bearer[0].id"]
    assert "name the IdP" in wrong(tmp_path, {**OWN, "issuer": IDP["issuer"]})["bearer[0].issuer"]


def test_with_plain_jwt_the_client_that_people_sign_in_with_is_no_audience(tmp_path: Path) -> None:
    entry = {**CORP, "audiences": ["muster"]}
    assert wrong(tmp_path, entry) == {}, "`at+jwt` tells the tokens apart"
    assert "ID tokens" in wrong(tmp_path, {**entry, "plain_jwt": True})["bearer[0].audiences"]


def test_an_issuer_stands_once(tmp_path: Path) -> None:
    assert "stands here twice" in wrong(tmp_path, CORP, CORP)["bearer"]
    assert "stands here twice" in wrong(tmp_path, OWN, {**OWN, "id": "again"})["bearer"]


def test_a_name_stands_once(tmp_path: Path) -> None:
    other = {**OWN, "issuer": "https://other.example.com"}
    assert "two entries have the id 'machines'" in wrong(tmp_path, OWN, other)["bearer"]


def test_an_opaque_token_is_shown_to_one_issuer_only(tmp_path: Path) -> None:
    found = wrong(tmp_path, {**CORP, **asked()}, {**OWN, **asked()})
    assert "shown to nobody else" in found["bearer"]


def test_plain_http_beyond_loopback_must_be_said(tmp_path: Path) -> None:
    entry = {**OWN, "jwks_url": "http://keys.example.com/jwks", **asked("http://idp.example.com/i")}
    assert set(wrong(tmp_path, entry)) == {"bearer[0].jwks_url", "bearer[0].introspection"}
    assert wrong(tmp_path, entry, insecure_http=True) == {}
    assert wrong(tmp_path, {**OWN, **asked("http://127.0.0.1:9/i")}) == {}


def test_a_link_may_be_of_a_bearers_issuer(tmp_path: Path) -> None:
    groups = {"links": [{"app": "Builders", "idp": ["ci"], "idps": ["machines"]}]}
    assert wrong(tmp_path, OWN, groups=groups) == {}


def test_one_enforced_idp_leaves_no_other_idps_tokens(tmp_path: Path) -> None:
    idps = [dict(IDP), {**IDP, "id": "other", "issuer": "https://other.example.com"}]
    other = {**CORP, "idp": "other"}
    found = wrong(tmp_path, other, idps=idps, sign_in={"enforce": "corp"})
    assert "sign_in.enforce" in found["bearer[0].idp"]
    assert wrong(tmp_path, CORP, OWN, idps=idps, sign_in={"enforce": "corp"}) == {}
    assert wrong(tmp_path, other, idps=idps) == {}
