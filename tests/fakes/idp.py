"""A hostile OpenID Provider on aiohttp: it speaks the code flow correctly until a test alters an answer.

Everything it says can be altered: `claims`, `header` and `sign` change the ID token, `alter[endpoint]` any HTTP reply,
`announce` the discovery document, `keys` what is published. There is no browser: `approve` does what a person would.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from proxy.identity import GroupName, IdpId
from proxy.oidc.client import Authorization, OidcClient, SignedIn
from proxy.oidc.flow import Code, check_callback
from proxy.oidc.outcome import Fault
from proxy.oidc.rules import IdpRules
from tests.fakes.client_keys import why_unproven

SigningKey = RSAKey | ECKey | OKPKey
NOW = 1_800_000_000.0
REDIRECT_URI = "https://app.example.com/_muster/callback"
CLIENT_ID = "muster:one"
CLIENT_SECRET = "s%cret: with/odd+signs"


@cache
def rsa_key(kid: str | None = "rsa-1", bits: int = 2048) -> RSAKey:
    """One RSA key per name and process: making them is slow."""
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig"} if kid else {"use": "sig"})


@cache
def ec_key(kid: str = "ec-1") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


@cache
def ed_key(kid: str = "ed-1") -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid})


def named(*names: str) -> frozenset[GroupName]:
    """Known groups by their names."""
    return frozenset(map(GroupName, names))


def published(*keys: SigningKey, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """A JWKS document of these keys' public halves, without the named members."""
    entries = [key.as_dict(private=False) for key in keys]
    return {"keys": [{name: value for name, value in e.items() if name not in without} for e in entries]}


def encode(octets: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def sign(claims: Mapping[str, Any], key: Any, header: Mapping[str, Any]) -> str:
    """A JWS over any claims, under any header, even one that no library would sign; bytes as a key mean HMAC."""
    signing_input = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    if isinstance(key, bytes):
        signature = hmac.digest(key, signing_input.encode(), "sha256")
    else:
        signature = JWSRegistry.algorithms[header["alg"]].sign(signing_input.encode(), key)
    return f"{signing_input}.{encode(signature)}"


def half_hash(token: str) -> str:
    """`at_hash` for a SHA-256 algorithm (OpenID Connect Core §3.1.3.6), written apart from the product's."""
    return encode(hashlib.sha256(token.encode()).digest()[:16])


@dataclass
class Reply:
    """One HTTP answer before it leaves; `delay` holds it back for ever, `cut` ends it after so many bytes."""

    body: Any
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    is_held: bool = False
    cut: int | None = None

    def octets(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


async def send(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Lets an answer leave as it is, cut where it says so."""
    body = reply.octets()
    headers = {"Content-Type": reply.content_type, **reply.headers}
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body if reply.cut is None else body[: reply.cut])
    if reply.cut is not None and request.transport is not None:
        request.transport.close()
    return response


Alter = Callable[[Reply], Reply]


def _unaltered(reply: Reply) -> Reply:
    return reply


@dataclass(frozen=True)
class Pending:
    """An authorization code that waits to be redeemed."""

    subject: str
    nonce: str
    challenge: str
    redirect_uri: str


class FakeIdp:
    """The IdP. `people` maps subjects to claims; `requests` counts calls per endpoint; `forms` keeps what was posted."""

    def __init__(self) -> None:
        self.issuer = ""
        self.now = NOW
        self.people: dict[str, dict[str, Any]] = {
            "alice": {"email": "alice@example.com", "email_verified": True, "groups": ["engineers"]}
        }
        self.key: SigningKey = rsa_key()
        self.keys: dict[str, Any] = published(self.key)
        self.algorithm = "RS256"
        self.secret = CLIENT_SECRET
        self.announce: dict[str, Any] = {}
        self.alter: dict[str, Alter] = {}
        self.claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.header: Callable[[dict[str, Any]], dict[str, Any]] = lambda header: header
        self.sign: Callable[[Mapping[str, Any], Mapping[str, Any]], str] = lambda claims, header: sign(
            claims, self.key, header
        )
        self.is_id_token_at_refresh = True
        self.is_rotating = True
        self.requests: dict[str, int] = {}
        self.forms: list[dict[str, str]] = []
        self.authorizations: list[str | None] = []
        self.client_key: Any = None
        """The client's public key; while there is one, only an assertion proves the client."""
        self.pushed: dict[str, dict[str, str]] = {}
        self.mutual = ""
        self.certificates: list[str | None] = []
        self._spent: set[str] = set()
        self.userinfo_claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self._codes: dict[str, Pending] = {}
        self._refresh: dict[str, str] = {}
        self._access: dict[str, str] = {}
        self._held = asyncio.Event()

    # --- what a person in a browser does ---------------------------------------------------------------------------

    def approve(self, url: str, subject: str = "alice") -> list[tuple[str, str]]:
        """Signs in and comes back: the callback's parameters."""
        asked = dict(parse_qsl(urlsplit(url).query))
        if "request_uri" in asked:
            assert asked.keys() == {"client_id", "request_uri"}, "nothing else travels with the browser"
            asked = self.pushed.pop(asked["request_uri"])
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = Pending(subject, asked["nonce"], asked["code_challenge"], asked["redirect_uri"])
        return [("code", code), ("state", asked["state"]), ("iss", self.issuer)]

    def suspend(self, description: str = "User disabled") -> None:
        """From now on every grant is refused, with this description."""
        error = {"error": "invalid_grant", "error_description": description}
        self.alter["token"] = lambda reply: replace(reply, status=400, body=error)

    # --- the endpoints ---------------------------------------------------------------------------------------------

    async def discovery(self, request: web.Request) -> Reply:
        paths = ("authorize", "token", "jwks", "userinfo", "revoke", "end-session")
        url = {path: f"{self.issuer}/{path}" for path in paths}
        return Reply(
            {
                "issuer": self.issuer,
                "authorization_endpoint": url["authorize"],
                "token_endpoint": url["token"],
                "jwks_uri": url["jwks"],
                "userinfo_endpoint": url["userinfo"],
                "revocation_endpoint": url["revoke"],
                "end_session_endpoint": url["end-session"],
                "authorization_response_iss_parameter_supported": True,
                **self.announce,
            }
        )

    async def jwks(self, request: web.Request) -> Reply:
        return Reply(self.keys)

    async def token(self, request: web.Request) -> Reply:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        self.authorizations.append(request.headers.get("Authorization"))
        if not self._is_client(request, form):
            return Reply({"error": "invalid_client"}, status=401)
        self.certificates.append(_shown_certificate(request))
        if form["grant_type"] == "refresh_token":
            return self._refreshed(form)
        pending = self._codes.pop(form.get("code", ""), None)
        if pending is None or not self._is_redeemable(pending, form):
            return Reply({"error": "invalid_grant"}, status=400)
        return Reply(self._issue(pending.subject, nonce=pending.nonce, is_stating=True))

    async def userinfo(self, request: web.Request) -> Reply:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        subject = self._access.get(token)
        if subject is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return Reply({"error": "invalid_token"}, status=401, headers=challenge)
        return Reply(self.userinfo_claims({"sub": subject, **self.people[subject]}))

    async def revoke(self, request: web.Request) -> Reply:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        self._refresh.pop(form["token"], None)
        return Reply(b"", content_type="text/plain")

    async def push(self, request: web.Request) -> Reply:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        if not self._is_client(request, form):
            return Reply({"error": "invalid_client"}, status=401)
        name = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(16)}"
        self.pushed[name] = form
        return Reply({"request_uri": name, "expires_in": 60}, status=201)

    def _refreshed(self, form: Mapping[str, str]) -> Reply:
        spent = form["refresh_token"]
        subject = self._refresh.get(spent)
        if subject is None:
            return Reply({"error": "invalid_grant", "error_description": "unknown"}, status=400)
        if self.is_rotating:
            del self._refresh[spent]
        answer = self._issue(subject, nonce=None, is_stating=self.is_id_token_at_refresh)
        if not self.is_rotating:
            del answer["refresh_token"]
        return Reply(answer)

    def _issue(self, subject: str, *, nonce: str | None, is_stating: bool) -> dict[str, Any]:
        access, refresh = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self._access[access] = self._refresh[refresh] = subject
        answer: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 300,
            "refresh_token": refresh,
        }
        return {**answer, "id_token": self._id_token(subject, nonce, access)} if is_stating else answer

    def _id_token(self, subject: str, nonce: str | None, access_token: str) -> str:
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": subject,
            "aud": CLIENT_ID,
            "iat": int(self.now),
            "exp": int(self.now) + 300,
            "at_hash": half_hash(access_token),
            **self.people[subject],
            **({"nonce": nonce} if nonce else {}),
        }
        stated = self.claims(claims)
        return self.sign(stated, self.header({"alg": self.algorithm, "kid": self.key.kid}))

    def _is_client(self, request: web.Request, form: Mapping[str, str]) -> bool:
        """The client's proof, read as RFC 6749 §2.3.1 says: form-decoded after base64."""
        if self.client_key is not None:
            spent = str(jwt.decode(form["client_assertion"], options={"verify_signature": False})["jti"])
            is_new = spent not in self._spent
            self._spent.add(spent)
            lack = why_unproven(form, self.client_key, client_id=CLIENT_ID, issuer=self.issuer, now=self.now)
            return lack is None and is_new and not {"client_secret"} & form.keys()
        basic = request.headers.get("Authorization", "").removeprefix("Basic ")
        if basic:
            client_id, _, secret = base64.b64decode(basic).decode().partition(":")
            return (unquote_plus(client_id), unquote_plus(secret)) == (CLIENT_ID, self.secret)
        return form.get("client_id") == CLIENT_ID and form.get("client_secret", self.secret) == self.secret

    def _is_redeemable(self, pending: Pending, form: Mapping[str, str]) -> bool:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = encode(digest)
        return challenge == pending.challenge and form.get("redirect_uri") == pending.redirect_uri

    # --- how an answer leaves ---------------------------------------------------------------------------------------

    def serve(self, name: str, endpoint: Callable[[web.Request], Awaitable[Reply]]) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            self.requests[name] = self.requests.get(name, 0) + 1
            reply = self.alter.get(name, _unaltered)(await endpoint(request))
            if reply.is_held:
                await self._held.wait()
            return await send(request, reply)

        return handle

    def release(self) -> None:
        """Lets held answers go, so that the server can stop."""
        self._held.set()


def _shown_certificate(request: web.Request) -> str | None:
    """The common name of the certificate that the connection showed."""
    shown = request.transport.get_extra_info("peercert") if request.transport is not None else None
    return dict(part[0] for part in shown["subject"])["commonName"] if shown else None


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    start = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = Encoding.PEM
    path = folder / "certificate.pem"
    secret = key.private_bytes(pem, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate.public_bytes(pem) + secret)
    return path


def _tls(certificate: Path | None, demanded: str | None = None) -> ssl.SSLContext | None:
    """Of a server; with `demanded` only clients with one of these certificates come in."""
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if demanded is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=demanded)
    return context


@asynccontextmanager
async def running_idp(
    certificate: Path | None = None, *, demanded: str | None = None
) -> AsyncIterator[FakeIdp]:
    """An IdP on a free port of loopback, over TLS with a certificate.

    With `demanded` (certificates in PEM) it has a second address, `mutual`, for clients that show one of them.
    """
    idp = FakeIdp()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", idp.serve("discovery", idp.discovery))
    app.router.add_get("/jwks", idp.serve("jwks", idp.jwks))
    app.router.add_post("/token", idp.serve("token", idp.token))
    app.router.add_get("/userinfo", idp.serve("userinfo", idp.userinfo))
    app.router.add_post("/revoke", idp.serve("revoke", idp.revoke))
    app.router.add_post("/push", idp.serve("push", idp.push))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_tls(certificate))
    await site.start()
    if demanded is not None:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_tls(certificate, demanded)).start()
        idp.mutual = f"https://127.0.0.1:{runner.addresses[1][1]}"
    host, port = runner.addresses[0][:2]
    idp.issuer = f"{'http' if certificate is None else 'https'}://{host}:{port}"
    try:
        yield idp
    finally:
        idp.release()
        await runner.cleanup()


def rules_for(idp: FakeIdp, **changed: Any) -> IdpRules:
    """The operator's settings for this IdP, with any of them changed."""
    settings: dict[str, Any] = {
        "id": IdpId("corp"),
        "name": "Example Corp",
        "issuer": idp.issuer,
        "client_id": CLIENT_ID,
        "secret": lambda: CLIENT_SECRET,
        "timeout": 5.0,
    }
    return IdpRules(**{**settings, **changed})


async def sign_in(
    client: OidcClient, idp: FakeIdp, *, subject: str = "alice", now: float = NOW
) -> SignedIn | Fault:
    """The whole conversation of one sign-in; raises NotTrusted as the product does."""
    begun = await client.authorization(
        redirect_uri=REDIRECT_URI, return_to="/", entropy=secrets.token_bytes(96), now=now
    )
    if not isinstance(begun, Authorization):
        return begun
    answered = check_callback(idp.approve(begun.url, subject), begun.attempt, now=now)
    assert isinstance(answered, Code)
    return await client.redeem(answered, begun.attempt, redirect_uri=REDIRECT_URI, now=now)
