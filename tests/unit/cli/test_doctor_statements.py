"""What is said of groups and refresh tokens: sign-ins count more than announcements."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.doctor_files import Stored
from proxy.cli.doctor_finding import Finding
from proxy.cli.doctor_statements import examine_statements
from proxy.identity import NOT_STATED, IdpId
from tests.fakes.commands import identity
from tests.fakes.configurations import IDP, settings_of

CORP = IdpId("corp")
OFFLINE = {
    "grant_types_supported": ["authorization_code", "refresh_token"],
    "scopes_supported": ["offline_access"],
}


def examined(
    folder: Path, announced: dict[str, object] | None, stored: Stored | None = None, **idp: Any
) -> dict[str, Finding]:
    one = settings_of(folder, idps=[{**IDP, **idp}]).idps[0]
    found = examine_statements(one, announced, stored or Stored(), follows_groups=True)
    return {each.check.removeprefix("idp corp: "): each for each in found}


def people(*are_stated: bool) -> Stored:
    said = [identity(f"p{number}", "engineers") for number in range(len(are_stated))]
    pairs = zip(said, are_stated, strict=True)
    return Stored(vouched=tuple(one if is_ else replace(one, groups=NOT_STATED) for one, is_ in pairs))


@pytest.mark.parametrize(
    ("held", "result", "seen"),
    [
        ([(CORP, True), (CORP, False)], "ok", "1 of 2 sessions hold one"),
        ([(CORP, False), (IdpId("other"), True)], "warning", "none of 1 sessions holds one"),
    ],
)
def test_sessions_show_whether_refresh_tokens_come(
    tmp_path: Path, held: list[tuple[IdpId, bool]], result: str, seen: str
) -> None:
    found = examined(tmp_path, {}, Stored(refreshable=tuple(held)))["refresh tokens"]
    assert found.result == result
    assert seen in found.seen


@pytest.mark.parametrize(
    ("announced", "idp", "result", "advice"),
    [
        ({}, {}, "ok", ""),
        (OFFLINE, {}, "warning", "add offline_access to scopes"),
        (OFFLINE, {"scopes": ["openid", "offline_access"]}, "ok", ""),
        (OFFLINE, {"kind": "keycloak"}, "ok", ""),
        ({"grant_types_supported": ["authorization_code"]}, {}, "warning", ""),
        (
            {},
            {"kind": "google"},
            "warning",
            "write extra_parameters: {access_type: offline, prompt: consent}",
        ),
        ({}, {"kind": "google", "extra_parameters": {"access_type": "offline"}}, "ok", ""),
    ],
)
def test_before_anybody_signed_in_it_is_told_from_what_is_announced(
    tmp_path: Path, announced: dict[str, object], idp: dict[str, Any], result: str, advice: str
) -> None:
    found = examined(tmp_path, announced, **idp)["refresh tokens"]
    assert (found.result, found.advice) == (result, advice)


@pytest.mark.parametrize(
    ("stored", "result", "seen"),
    [
        (people(True, True), "ok", "each of the last 2 people"),
        (people(True, False, False), "warning", "stated for 1 of the last 3 people"),
        (people(False), "warning", "not stated for any of the last 1"),
        (people(*[True] * 20, *[False] * 9), "ok", "each of the last 20 people"),
    ],
)
def test_the_last_sign_ins_show_whether_groups_come(
    tmp_path: Path, stored: Stored, result: str, seen: str
) -> None:
    found = examined(tmp_path, {"claims_supported": []}, stored)["groups"]
    assert found.result == result
    assert seen in found.seen


@pytest.mark.parametrize(
    ("claims", "idp", "result"),
    [
        (["sub", "groups"], {}, "ok"),
        (["sub"], {}, "warning"),
        (["sub", 7, None], {}, "warning"),
        (["realm_access"], {"claims": {"groups": "realm_access.roles"}}, "ok"),
        (["https://x.example/roles"], {"claims": {"groups": "https://x.example/roles"}}, "ok"),
    ],
)
def test_before_anybody_signed_in_the_announced_claims_must_do(
    tmp_path: Path, claims: list[object], idp: dict[str, Any], result: str
) -> None:
    assert examined(tmp_path, {"claims_supported": claims}, **idp)["groups"].result == result


def test_a_directory_that_tells_groups_is_enough(tmp_path: Path) -> None:
    directory = {
        "kind": "keycloak",
        "url": "http://127.0.0.1:1/admin/realms/corp",
        "token_url": "http://127.0.0.1:1/token",
        "groups": True,
    }
    secret = tmp_path / "s"
    secret.write_text("x")
    found = examined(tmp_path, {}, directory=directory, client_secret={"file": str(secret)})
    assert found["groups"].seen == "asked of the directory where a sign-in states none"


def test_an_idp_that_does_not_answer_and_that_nobody_used_is_not_judged(tmp_path: Path) -> None:
    assert examined(tmp_path, None) == {}
    assert set(examined(tmp_path, None, people(True))) == {"groups"}


def test_groups_that_are_not_followed_are_not_looked_for(tmp_path: Path) -> None:
    idp = settings_of(tmp_path).idps[0]
    found = examine_statements(idp, {}, people(False), follows_groups=False)
    assert [one.check for one in found] == ["idp corp: refresh tokens"]
