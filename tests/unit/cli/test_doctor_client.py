"""The doctor at our own proof: the method, the algorithm, pushed requests, the certificate's end, and each fault."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.doctor_client import LEAST_DAYS
from proxy.cli.doctor_finding import Finding
from proxy.cli.doctor_http import open_http
from proxy.cli.doctor_idp import examine_idp
from tests.fakes.client_keys import key_of, write_pair, write_private
from tests.fakes.configurations import settings_of
from tests.fakes.idp import CLIENT_ID, FakeIdp, make_certificate, running_idp

KEY = {"client_auth": "private_key_jwt", "client_key": {"file": "client.key"}}


@pytest.fixture
async def idp() -> AsyncIterator[FakeIdp]:
    async with running_idp() as running:
        running.now = time.time()
        running.client_key = key_of("one").public_key()
        running.announce = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
        yield running


async def examined(folder: Path, idp: FakeIdp, **changes: Any) -> list[Finding]:
    """What was found about the client alone."""
    written = {"id": "corp", "issuer": idp.issuer, "client_id": CLIENT_ID, **KEY, **changes}
    settings = settings_of(folder, idps=[written])
    if not (folder / "client.key").exists():
        write_pair(folder, "one")
    async with open_http() as http:
        _, found = await examine_idp(settings.idps[0], http)
    return [one for one in found if "client" in one.check]


async def only(folder: Path, idp: FakeIdp, **changes: Any) -> tuple[str, str]:
    """The one finding besides an accepted proof."""
    first, last = await examined(folder, idp, **changes)
    assert last.seen == "our proof is accepted"
    return first.result.value, first.seen


async def test_a_key_that_the_idp_knows(tmp_path: Path, idp: FakeIdp) -> None:
    write_pair(tmp_path, "one")
    (found,) = await examined(tmp_path, idp)
    assert (found.result.value, found.seen) == ("ok", "our proof is accepted")


async def test_a_key_that_it_does_not_know(tmp_path: Path, idp: FakeIdp) -> None:
    write_pair(tmp_path, "two")
    (found,) = await examined(tmp_path, idp)
    assert found.result.value == "failed"
    assert "invalid_client" in found.seen


@pytest.mark.parametrize(
    ("announced", "seen"),
    [
        (
            {"token_endpoint_auth_methods_supported": ["tls_client_auth"]},
            "tls_client_auth, not private_key_jwt",
        ),
        ({"token_endpoint_auth_methods_supported": None}, "client_secret_basic, not private_key_jwt"),
        ({"token_endpoint_auth_methods_supported": [7]}, "client_secret_basic, not private_key_jwt"),
    ],
)
async def test_a_method_that_is_not_announced_is_a_warning(
    tmp_path: Path, idp: FakeIdp, announced: dict[str, Any], seen: str
) -> None:
    write_pair(tmp_path, "one")
    idp.announce = announced
    result, said = await only(tmp_path, idp)
    assert result == "warning"
    assert seen in said


async def test_an_algorithm_that_is_not_announced_is_a_warning(tmp_path: Path, idp: FakeIdp) -> None:
    write_pair(tmp_path, "one")
    idp.announce["token_endpoint_auth_signing_alg_values_supported"] = ["PS256"]
    assert await only(tmp_path, idp) == (
        "warning",
        "assertions are signed with ES256; the IdP announces PS256",
    )


@pytest.mark.parametrize(
    ("announced", "par", "seen"),
    [
        ({}, "always", "announces no endpoint"),
        ({"require_pushed_authorization_requests": True}, "never", "takes pushed requests only"),
    ],
)
async def test_pushed_requests_that_cannot_be_are_a_failure(
    tmp_path: Path, idp: FakeIdp, announced: dict[str, Any], par: str, seen: str
) -> None:
    write_pair(tmp_path, "one")
    idp.announce.update(announced)
    result, said = await only(tmp_path, idp, par=par)
    assert result == "failed"
    assert seen in said


@pytest.mark.parametrize(
    ("days", "result", "seen"),
    [(LEAST_DAYS - 1.5, "warning", "ends in 28 days"), (-1, "failed", "has expired")],
)
async def test_a_certificate_that_ends_soon(
    tmp_path: Path, idp: FakeIdp, days: float, result: str, seen: str
) -> None:
    write_pair(tmp_path, "one", days)
    found = await only(tmp_path, idp, client_certificate="client.crt")
    assert found[0] == result
    assert seen in found[1]


async def test_a_file_that_cannot_be_used_is_named_with_its_setting(tmp_path: Path, idp: FakeIdp) -> None:
    write_private(tmp_path / "client.key", "no key")
    *_, found = await examined(tmp_path, idp)
    assert found.result.value == "failed"
    assert found.seen.startswith("client_key holds no private key")
    assert found.advice == "put client_key right"


async def test_a_pair_that_is_none(tmp_path: Path) -> None:
    server = make_certificate(tmp_path)
    write_pair(tmp_path, "one")
    write_private(tmp_path / "client.key", "no key")
    async with running_idp(server) as idp:
        *_, found = await examined(
            tmp_path,
            idp,
            client_auth="tls_client_auth",
            client_certificate="client.crt",
            ca_file=str(server),
        )
    assert found.result.value == "failed"
    assert found.seen.startswith("client_certificate is not a certificate")
