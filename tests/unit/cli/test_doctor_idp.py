"""The doctor at an IdP that is well, and at one with each fault."""

from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest

from proxy.cli.doctor_finding import Finding, Result
from proxy.cli.doctor_http import open_http
from proxy.cli.doctor_idp import examine_idp
from proxy.settings.idp import Idp
from tests.fakes.configurations import settings_of
from tests.fakes.idp import CLIENT_ID, CLIENT_SECRET, FakeIdp, Reply, make_certificate, running_idp


@pytest.fixture
async def idp() -> AsyncIterator[FakeIdp]:
    async with running_idp() as running:
        yield running


def configured(folder: Path, idp: FakeIdp, **changes: object) -> Idp:
    secret = folder / "secret"
    secret.write_text(CLIENT_SECRET)
    secret.chmod(0o600)
    written = {
        "id": "corp",
        "issuer": idp.issuer,
        "client_id": CLIENT_ID,
        "client_secret": {"file": str(secret)},
        **changes,
    }
    return settings_of(folder, idps=[written]).idps[0]


async def examined(folder: Path, idp: FakeIdp, **changes: object) -> dict[str, Finding]:
    """What was found, by the check's last word."""
    async with open_http() as http:
        _, found = await examine_idp(configured(folder, idp, **changes), http)
    assert all(CLIENT_SECRET not in f"{one.seen} {one.advice}" for one in found)
    return {one.check.removeprefix("idp corp: "): one for one in found}


def results(found: dict[str, Finding]) -> dict[str, str]:
    return {check: one.result.value for check, one in found.items()}


async def test_an_idp_in_order(tmp_path: Path, idp: FakeIdp) -> None:
    found = await examined(tmp_path, idp)
    assert results(found) == {"discovery": "ok", "clock": "ok", "keys": "ok", "client": "ok"}
    assert found["keys"].seen == "1 usable: RSA"
    assert found["client"].seen == "our proof is accepted"


async def test_the_credentials_are_tried_with_a_token_that_never_was(tmp_path: Path, idp: FakeIdp) -> None:
    await examined(tmp_path, idp)
    (form,) = idp.forms
    assert form["grant_type"] == "refresh_token"
    assert form["refresh_token"].startswith("muster-doctor-")


async def test_what_was_announced_is_handed_on(tmp_path: Path, idp: FakeIdp) -> None:
    idp.announce = {"claims_supported": ["groups"]}
    async with open_http() as http:
        announced, _ = await examine_idp(configured(tmp_path, idp), http)
    assert announced is not None
    assert announced.document["claims_supported"] == ["groups"]


async def test_a_wrong_secret(tmp_path: Path, idp: FakeIdp) -> None:
    idp.secret = "another"
    found = await examined(tmp_path, idp)
    assert found["client"].result is Result.FAILED
    assert "invalid_client" in found["client"].seen


@pytest.mark.parametrize(
    ("status", "error", "result", "seen"),
    [
        (403, "invalid_grant", "ok", "accepted"),
        (400, "unauthorized_client", "failed", "refuses this client"),
        (400, "unsupported_grant_type", "warning", "no refreshes"),
        (400, "invalid_request", "warning", "not told"),
        (400, "invalid_scope", "warning", "not told"),
        (503, "temporarily_unavailable", "failed", "no usable answer"),
    ],
)
async def test_other_answers_of_the_token_endpoint(
    tmp_path: Path, idp: FakeIdp, status: int, error: str, result: str, seen: str
) -> None:
    idp.alter["token"] = lambda reply: Reply({"error": error}, status=status)
    found = await examined(tmp_path, idp)
    assert found["client"].result == result
    assert seen in found["client"].seen


async def test_an_idp_that_gives_tokens_to_anybody(tmp_path: Path, idp: FakeIdp) -> None:
    idp.alter["token"] = lambda reply: Reply({"access_token": "t", "token_type": "Bearer"})
    assert results(await examined(tmp_path, idp))["client"] == "failed"


async def test_a_public_client_has_no_secret_to_be_accepted(tmp_path: Path, idp: FakeIdp) -> None:
    idp.alter["token"] = lambda reply: Reply({"error": "invalid_grant"}, status=400)
    found = await examined(tmp_path, idp, client_secret=None)
    assert found["client"].seen == "the client is known"


async def test_another_issuer_is_told_with_what_to_write(tmp_path: Path, idp: FakeIdp) -> None:
    idp.announce = {"issuer": f"{idp.issuer}/"}
    found = await examined(tmp_path, idp)
    assert results(found) == {"discovery": "failed", "clock": "ok"}
    assert found["discovery"].advice == f"write issuer: {idp.issuer}/"


def without(name: str) -> Callable[[Reply], Reply]:
    return lambda reply: Reply({key: value for key, value in reply.body.items() if key != name})


@pytest.mark.parametrize(
    ("alter", "seen"),
    [
        (without("token_endpoint"), "is missing"),
        (lambda reply: Reply({**reply.body, "jwks_uri": "ftp://x"}), "no plain address"),
        (lambda reply: Reply(b"<html>", content_type="text/html"), "and not with JSON"),
        (lambda reply: Reply({}, status=404), "answers 404"),
    ],
)
async def test_a_discovery_that_cannot_be_used(
    tmp_path: Path, idp: FakeIdp, alter: Callable[[Reply], Reply], seen: str
) -> None:
    idp.alter["discovery"] = alter
    found = await examined(tmp_path, idp)
    assert found["discovery"].result is Result.FAILED
    assert seen in found["discovery"].seen
    assert "client" not in found


async def test_an_idp_that_is_not_there(tmp_path: Path) -> None:
    async with running_idp() as gone:
        pass
    assert results(await examined(tmp_path, gone)) == {"discovery": "failed"}


@pytest.mark.parametrize(
    ("ahead", "result", "seen"),
    [
        (20, "ok", "differs by"),
        (-3600, "warning", "s ahead of the IdP"),
        (3600, "warning", "s behind the IdP"),
    ],
)
async def test_clocks_that_disagree(tmp_path: Path, idp: FakeIdp, ahead: int, result: str, seen: str) -> None:
    date = {"Date": formatdate(time() + ahead, usegmt=True)}
    idp.alter["discovery"] = lambda reply: Reply(reply.body, headers=date)
    found = await examined(tmp_path, idp)
    assert found["clock"].result == result
    assert seen in found["clock"].seen


async def test_an_idp_without_a_clock(tmp_path: Path, idp: FakeIdp) -> None:
    idp.alter["discovery"] = lambda reply: Reply(reply.body, headers={"Date": "soon"})
    assert "does not say" in (await examined(tmp_path, idp))["clock"].seen


async def test_keys_that_verify_nothing(tmp_path: Path, idp: FakeIdp) -> None:
    idp.keys = {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}
    found = await examined(tmp_path, idp)
    assert found["keys"].result is Result.FAILED
    assert "no key that may verify" in found["keys"].seen
    idp.alter["jwks"] = lambda reply: Reply({}, status=500)
    assert "answers 500" in (await examined(tmp_path, idp))["keys"].seen


async def test_an_authority_of_their_own(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    async with running_idp(certificate) as idp:
        assert results(await examined(tmp_path, idp)) == {"discovery": "failed"}
        found = await examined(tmp_path, idp, ca_file=str(certificate))
    assert set(results(found).values()) == {"ok"}
