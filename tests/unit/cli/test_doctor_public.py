"""The public address: who answers there, and how long the certificate lasts."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from proxy.cli.doctor_finding import Finding
from proxy.cli.doctor_http import open_http
from proxy.cli.doctor_public import examine_certificate, examine_public
from tests.fakes.configurations import settings_of
from tests.fakes.doors import Doors, Page, text
from tests.fakes.idp import make_certificate, running_idp


async def examined(folder: Path, url: str) -> list[Finding]:
    settings = settings_of(folder, public_url=url)
    async with open_http() as http:
        return await examine_public(settings, http)


@pytest.mark.parametrize(
    ("alive", "ready", "result", "seen"),
    [
        (text("ok\n"), text("{}"), "ok", "is ready"),
        (text("ok\n"), text("{}", 503), "failed", "is not ready"),
        (text("<html>welcome"), text("{}"), "failed", "answered by somebody else"),
        (text("", 421), text("{}"), "failed", "(421)"),
    ],
)
async def test_who_answers_at_the_public_address(
    tmp_path: Path, alive: Page, ready: Page, result: str, seen: str
) -> None:
    async with Doors() as doors:
        doors.pages = {"/_muster/livez": alive, "/_muster/readyz": ready}
        (found,) = await examined(tmp_path, doors.url)
    assert found.result == result
    assert seen in found.seen


async def test_nobody_at_the_public_address_is_a_failure(tmp_path: Path) -> None:
    async with Doors() as doors:
        url = doors.url
    (found,) = await examined(tmp_path, url)
    assert (found.result, "no connection" in found.seen) == ("failed", True)


async def test_a_name_below_localhost_is_asked_here(tmp_path: Path) -> None:
    async with Doors() as doors:
        doors.pages = {"/_muster/livez": text("ok"), "/_muster/readyz": text("{}")}
        port = doors.url.rpartition(":")[2]
        (found,) = await examined(tmp_path, f"http://app.localhost:{port}")
    assert found.result == "ok"
    assert doors.asked[0].host == f"app.localhost:{port}"


async def test_a_certificate_that_this_machine_does_not_trust_is_a_warning(tmp_path: Path) -> None:
    async with running_idp(make_certificate(tmp_path)) as server:
        reached, certificate = await examined(tmp_path, server.issuer)
    assert (reached.result, certificate.result) == ("warning", "warning")
    assert "self-signed certificate" in reached.seen
    assert "self-signed certificate" in certificate.seen


def certificate_of(folder: Path, *, days: int) -> Path:
    """For 127.0.0.1, self-signed, its end so many days away (and one hour)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@asynccontextmanager
async def served(certificate: Path) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("days", "result"), [(60, "ok"), (14, "ok"), (13, "warning"), (0, "warning"), (-1, "failed")]
)
async def test_how_long_a_certificate_lasts(tmp_path: Path, days: int, result: str) -> None:
    certificate = certificate_of(tmp_path, days=days)
    tls = ssl.create_default_context(cafile=certificate)
    async with served(certificate) as port:
        found = await examine_certificate("127.0.0.1", port, tls=tls)
    assert found.result == result
    assert (f"{days} days" if days >= 0 else "certificate has expired") in found.seen


async def test_a_port_without_tls_is_said(tmp_path: Path) -> None:
    async with Doors() as doors:
        found = await examine_certificate("127.0.0.1", int(doors.url.rpartition(":")[2]))
    assert (found.result, "cannot be asked" in found.seen) == ("warning", True)
