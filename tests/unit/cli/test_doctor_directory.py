"""The doctor at a directory: the person vouched for last is the canary, else somebody made up."""

from pathlib import Path
from typing import Any

import pytest

from proxy.cli import doctor_directory
from proxy.cli.doctor_directory import examine_directory
from proxy.cli.doctor_files import Stored
from proxy.cli.doctor_finding import Findings, Result
from proxy.cli.doctor_http import open_http
from proxy.identity import Identity, IdpId, Subject
from tests.fakes.configurations import IDP, settings_of
from tests.fakes.directories import EMAIL, SECRET, FakeKeycloak, FakeOkta, running


def alice(fake: FakeKeycloak) -> Stored:
    said = Identity(
        subject=Subject(issuer=IDP["issuer"], subject=fake.alice),
        idp=IdpId("corp"),
        email=EMAIL,
        is_email_verified=True,
        name=None,
        username=None,
        groups=frozenset(),
        stated_at=0.0,
    )
    return Stored(vouched=(said,))


async def examined(folder: Path, fake: Any, stored: Stored | None = None, **changes: Any) -> Findings:
    secret = folder / "secret"
    secret.write_text(SECRET)
    directory: dict[str, Any] = {
        "kind": "keycloak",
        "url": f"{fake.url}/admin/realms/corp",
        "token_url": f"{fake.url}/token",
        "client_id": "muster-reader",
        "client_secret": {"file": str(secret)},
        **changes,
    }
    idp = settings_of(folder, idps=[{**IDP, "directory": directory}]).idps[0]
    async with open_http() as http:
        found = await examine_directory(idp, stored or Stored(), http)
    assert all(SECRET not in f"{one.seen}{one.advice}" for one in found)
    return found


async def test_without_a_directory_nothing_is_said(tmp_path: Path) -> None:
    async with open_http() as http:
        assert await examine_directory(settings_of(tmp_path).idps[0], Stored(), http) == []


async def test_the_person_vouched_for_last_is_asked_about(tmp_path: Path) -> None:
    async with running(FakeKeycloak()) as fake:
        assert isinstance(fake, FakeKeycloak)
        (found,) = await examined(tmp_path, fake, alice(fake))
        assert (found.result, found.seen) == (Result.OK, f"it answers: {EMAIL} is active")
        fake.suspend()
        (found,) = await examined(tmp_path, fake, alice(fake))
        assert (found.result, "suspended or gone" in found.seen) == (Result.OK, True)


async def test_groups_are_asked_for_where_they_come_from_there(tmp_path: Path) -> None:
    async with running(FakeKeycloak()) as fake:
        assert isinstance(fake, FakeKeycloak)
        fake.people[fake.alice].groups = ["engineers", "ops"]
        _, found = await examined(tmp_path, fake, alice(fake), groups=True)
        assert (found.check, found.seen) == ("idp corp: directory groups", f"it states 2 for {EMAIL}")
        fake.alter["groups"] = lambda reply: fake.forbidden()
        _, found = await examined(tmp_path, fake, alice(fake), groups=True)
        assert found.result is Result.FAILED


async def test_before_anybody_signed_in_somebody_made_up_is_asked_about(tmp_path: Path) -> None:
    async with running(FakeKeycloak()) as fake:
        (found,) = await examined(tmp_path, fake)
    assert (found.result, found.seen) == (
        Result.OK,
        "it answers: somebody made up is not there, others are",
    )


async def test_a_directory_that_shows_nobody_is_no_good(tmp_path: Path) -> None:
    async with running(FakeKeycloak()) as fake:
        fake.hide_everybody()
        (found,) = await examined(tmp_path, fake)
    assert found.result is Result.FAILED
    assert "directory_shows_nobody" in found.seen
    assert "docs/directories.md" in found.advice


async def test_a_directory_that_knows_everybody_is_looked_at(tmp_path: Path) -> None:
    async with running(FakeKeycloak()) as fake:
        fake.alter["user"] = lambda reply: type(reply)({"id": "x", "enabled": True})
        (found,) = await examined(tmp_path, fake)
    assert found.result is Result.WARNING


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_refused_credential_is_a_failure(tmp_path: Path, is_known: bool) -> None:
    async with running(FakeKeycloak()) as fake:
        assert isinstance(fake, FakeKeycloak)
        fake.secret = "another"
        (found,) = await examined(tmp_path, fake, alice(fake) if is_known else None)
    assert (found.result, "invalid_client" in found.seen) == (Result.FAILED, True)


async def test_okta_is_asked_about_an_id_of_its_kind(tmp_path: Path) -> None:
    async with running(FakeOkta()) as fake:
        token = tmp_path / "token"
        token.write_text(fake.secret)
        changes: dict[str, Any] = {"kind": "okta", "url": fake.url, "token": {"file": str(token)}}
        (found,) = await examined(tmp_path, fake, **changes, client_id=None, client_secret=None)
    assert found.seen == "it answers: somebody made up is not there, others are"


async def test_a_directory_is_not_waited_for_as_long_as_the_configuration_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_directory, "SECONDS", 0.0)
    async with running(FakeKeycloak()) as fake:
        (found,) = await examined(tmp_path, fake, timeout="60s")
    assert (found.result, "(timeout)" in found.seen) == (Result.FAILED, True)
