"""Small directories on real sockets, one a product, answering in shapes recorded from the vendors' documentation.

| product  | recorded from                                                                                                    |
|----------|------------------------------------------------------------------------------------------------------------------|
| Keycloak | "Keycloak Admin REST API": UserRepresentation, GroupRepresentation; error bodies as its source writes them        |
| Okta     | "Users API" (Get user), "User Resources" (List all groups), "Okta error codes" (E0000006, 07, 11, 47)             |
| Entra    | Microsoft Graph "Get user", "directoryObject: getMemberObjects", "Microsoft Graph error responses"                |
| Google   | "REST Resource: users", "Method: groups.list", "Directory API: Handle errors", "OAuth 2.0 for Server to Server"     |

Each checks what the product checks: the grant, its audience and scopes, the token, the query. `alter[route]` changes any reply of
the routes token, user, users, groups. `asked` keeps every call.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proxy.identity import IdpId, Subject
from proxy.oidc.directory.opening import open_directory
from proxy.oidc.directory.rules import (
    DirectoryRules,
    EntraRules,
    GoogleRules,
    KeycloakRules,
    OktaRules,
    ProductRules,
)
from proxy.oidc.rules import IdpRules
from proxy.oidc.transport import open_session
from proxy.provisioning.directory import Directory
from tests.fakes.idp import NOW, Alter, Reply, send

SECRET = "s3cret-of-the-client"
EMAIL = "alice@example.com"
SCOPE = "https://www.googleapis.com/auth/admin.directory"


@cache
def private_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def pem() -> str:
    return private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class Person:
    """Somebody in the directory. `record` is what the product's answer says besides id and address."""

    record: dict[str, Any] = field(default_factory=dict)
    email: str = EMAIL
    groups: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """One call as it arrived."""

    route: str
    path: str
    query: dict[str, str]
    authorization: str
    body: str


Endpoint = Callable[[web.Request, Asked], Reply]


class FakeDirectory(ABC):
    """What the four have in common. `alice` is the id of the one person who is there at first."""

    alice = "alice"
    active: ClassVar[dict[str, Any]] = {}
    suspended: ClassVar[dict[str, Any]] = {}
    is_subject_id = True
    canary = "users"
    page = 2

    def __init__(self) -> None:
        self.url = ""
        self.secret = SECRET
        self.people = {self.alice: Person(dict(self.active)), self.other: Person(email="other@example.com")}
        self.is_showing = True
        self.token_life: Any = 300
        self.tokens: set[str] = set()
        self.alter: dict[str, Alter] = {}
        self.asked: list[Asked] = []
        self.claims: dict[str, Any] = {}

    @property
    def other(self) -> str:
        """Another person's id; that the directory shows somebody proves that it answers."""
        return self.alice[:-1] + ("2" if self.alice[-1] != "2" else "3")

    # --- what an administrator does ---

    def suspend(self) -> None:
        self.people[self.alice].record = dict(self.suspended)

    def delete(self) -> None:
        del self.people[self.alice]

    def hide_everybody(self) -> None:
        """The token may see nobody any more; single look-ups answer 404 (a narrowed role)."""
        self.is_showing = False

    def revoke_tokens(self) -> None:
        self.tokens.clear()

    def count(self, route: str) -> int:
        return sum(asked.route == route for asked in self.asked)

    # --- what each product answers ---

    @abstractmethod
    def rules(self) -> ProductRules: ...

    @abstractmethod
    def routes(self) -> list[tuple[str, str, str, Endpoint]]: ...

    @abstractmethod
    def unauthorized(self) -> Reply: ...

    @abstractmethod
    def forbidden(self) -> Reply: ...

    @abstractmethod
    def missing(self) -> Reply: ...

    @abstractmethod
    def busy(self) -> Reply: ...

    def token(self, request: web.Request, asked: Asked) -> Reply:
        """A token for whoever proves to be the client."""
        form = _form(asked.body)
        if not self.is_client(form):
            error = {"error": "invalid_client", "error_description": "Invalid client or its secret"}
            return Reply(error, status=401)
        token = f"token-{len(self.asked)}"
        self.tokens.add(token)
        return Reply({"access_token": token, "token_type": "Bearer", "expires_in": self.token_life})

    def is_client(self, form: dict[str, str]) -> bool:
        is_known = (form.get("client_id"), form.get("client_secret")) == ("muster-reader", self.secret)
        return is_known and form["grant_type"] == "client_credentials"

    def is_authorized(self, asked: Asked) -> bool:
        return asked.authorization.removeprefix("Bearer ") in self.tokens

    def found(self, person: str) -> Person | None:
        return self.people.get(person) if self.is_showing else None

    def shown(self, email: str | None) -> list[str]:
        people = self.people.items() if self.is_showing else ()
        return [person for person, one in people if email is None or one.email == email][:1]

    # --- serving ---

    def serve(self, route: str, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            asked = Asked(
                route,
                request.raw_path.partition("?")[0],
                dict(request.query),
                request.headers.get("Authorization", ""),
                await request.text(),
            )
            self.asked.append(asked)
            is_open = route == "token" or self.is_authorized(asked)
            reply = endpoint(request, asked) if is_open else self.unauthorized()
            if route in self.alter:
                reply = self.alter[route](reply)
            if reply.is_held:
                await asyncio.Event().wait()
            return await send(request, reply)

        return handle


def _form(body: str) -> dict[str, str]:
    return dict(parse_qsl(body, keep_blank_values=True))


class FakeKeycloak(FakeDirectory):
    """A realm; the groups of a person are names, their paths below `/staff`."""

    alice = "f7c5a1e2-0c0d-4f7e-9a54-6f8f3c2b1a01"
    active: ClassVar[dict[str, Any]] = {"enabled": True}
    suspended: ClassVar[dict[str, Any]] = {"enabled": False}
    page = 100

    def rules(self) -> ProductRules:
        admin, token = f"{self.url}/admin/realms/corp", f"{self.url}/token"
        return KeycloakRules(
            url=admin, token_url=token, client_id="muster-reader", secret=lambda: self.secret
        )

    def routes(self) -> list[tuple[str, str, str, Endpoint]]:
        users = "/admin/realms/corp/users"
        return [
            ("POST", "/token", "token", self.token),
            ("GET", users, "users", self._users),
            ("GET", users + "/{id}", "user", self._user),
            ("GET", users + "/{id}/groups", "groups", self._groups),
        ]

    def _users(self, request: web.Request, asked: Asked) -> Reply:
        assert asked.query["max"] == "1"
        assert ("email" in asked.query) == (asked.query.get("exact") == "true")
        return Reply([{"id": person, "enabled": True} for person in self.shown(asked.query.get("email"))])

    def _user(self, request: web.Request, asked: Asked) -> Reply:
        person = self.found(request.match_info["id"])
        if person is None:
            return self.missing()
        return Reply(
            {
                "id": request.match_info["id"],
                "createdTimestamp": 1588880747548,
                "username": "alice",
                "totp": False,
                "emailVerified": True,
                "email": person.email,
                "disableableCredentialTypes": [],
                "requiredActions": [],
                "notBefore": 0,
                **person.record,
            }
        )

    def _groups(self, request: web.Request, asked: Asked) -> Reply:
        person = self.found(request.match_info["id"])
        if person is None:
            return self.missing()
        first, most = int(asked.query["first"]), int(asked.query["max"])
        return Reply(
            [
                {"id": f"id-of-{name}", "name": name, "path": f"/staff/{name}", "subGroups": []}
                for name in person.groups[first : first + most]
            ]
        )

    def unauthorized(self) -> Reply:
        return Reply({"error": "HTTP 401 Unauthorized"}, status=401)

    def forbidden(self) -> Reply:
        return Reply({"error": "HTTP 403 Forbidden"}, status=403)

    def missing(self) -> Reply:
        return Reply({"error": "User not found"}, status=404)

    def busy(self) -> Reply:
        return Reply(b"<html>busy</html>", status=503, content_type="text/html")


class FakeOkta(FakeDirectory):
    """An organisation that is asked with an API token."""

    alice = "00ub0oNGTSWTBKOLGLN1"
    active: ClassVar[dict[str, Any]] = {"status": "ACTIVE"}
    suspended: ClassVar[dict[str, Any]] = {"status": "SUSPENDED"}

    def rules(self) -> ProductRules:
        return OktaRules(url=self.url, token_url=f"{self.url}/oauth2/v1/token", token=lambda: self.secret)

    def is_authorized(self, asked: Asked) -> bool:
        return asked.authorization == f"SSWS {self.secret}"

    def revoke_tokens(self) -> None:
        self.secret = "another"

    def routes(self) -> list[tuple[str, str, str, Endpoint]]:
        return [
            ("POST", "/oauth2/v1/token", "token", self.token),
            ("GET", "/api/v1/users", "users", self._users),
            ("GET", "/api/v1/users/{id}", "user", self._user),
            ("GET", "/api/v1/users/{id}/groups", "groups", self._groups),
        ]

    def _users(self, request: web.Request, asked: Asked) -> Reply:
        assert asked.query["limit"] == "1"
        wanted = asked.query.get("filter", "")
        assert not wanted or wanted.startswith('profile.email eq "')
        email = wanted.removeprefix('profile.email eq "').removesuffix('"') or None
        return Reply([{"id": person, "status": "ACTIVE"} for person in self.shown(email)])

    def _user(self, request: web.Request, asked: Asked) -> Reply:
        person = self.found(request.match_info["id"])
        if person is None:
            return self.missing()
        return Reply(
            {
                "id": request.match_info["id"],
                "created": "2013-06-24T16:39:18.000Z",
                "activated": "2013-06-24T16:39:19.000Z",
                "statusChanged": "2013-06-24T16:39:19.000Z",
                "lastLogin": "2013-06-24T17:39:19.000Z",
                "lastUpdated": "2013-07-02T21:36:25.344Z",
                "passwordChanged": "2013-07-02T21:36:25.344Z",
                "profile": {
                    "firstName": "Alice",
                    "lastName": "Archer",
                    "email": person.email,
                    "login": person.email,
                    "mobilePhone": None,
                },
                "credentials": {"password": {}, "provider": {"type": "OKTA", "name": "OKTA"}},
                "_links": {"self": {"href": f"{self.url}{asked.path}"}},
                **person.record,
            }
        )

    def _groups(self, request: web.Request, asked: Asked) -> Reply:
        person = self.found(request.match_info["id"])
        if person is None:
            return self.missing()
        start = int(asked.query.get("after", "0"))
        shown, rest = person.groups[start : start + self.page], person.groups[start + self.page :]
        here = f"{self.url}{asked.path}?limit=200"
        links = [
            f'<{here}>; rel="self"',
            *([f'<{here}&after={start + self.page}>; rel="next"'] if rest else []),
        ]
        groups = [
            {
                "id": f"00g1emaKYZTWRYYR{start + number:04}",
                "objectClass": ["okta:user_group"],
                "type": "OKTA_GROUP",
                "profile": {"name": name, "description": ""},
            }
            for number, name in enumerate(shown)
        ]
        return Reply(groups, headers={"Link": ", ".join(links)})

    def unauthorized(self) -> Reply:
        return self._error(401, "E0000011", "Invalid token provided")

    def forbidden(self) -> Reply:
        return self._error(403, "E0000006", "You do not have permission to perform the requested action")

    def missing(self) -> Reply:
        return self._error(404, "E0000007", f"Not found: Resource not found: {self.alice} (User)")

    def busy(self) -> Reply:
        return self._error(429, "E0000047", "API call exceeded rate limit due to too many requests.")

    def _error(self, status: int, code: str, summary: str) -> Reply:
        error = {
            "errorCode": code,
            "errorSummary": summary,
            "errorLink": code,
            "errorId": "oaeHfmOAx1iRLa0H10DeMz5fQ",
        }
        return Reply({**error, "errorCauses": []}, status=status)


class FakeOktaService(FakeOkta):
    """An organisation that is asked by a service app with a private key."""

    def rules(self) -> ProductRules:
        token = f"{self.url}/oauth2/v1/token"
        return OktaRules(url=self.url, token_url=token, client_id="0oaservice", key=self._key, key_id="kid-1")

    def _key(self) -> str:
        return pem() if self.secret == SECRET else "no key"

    def is_authorized(self, asked: Asked) -> bool:
        return FakeDirectory.is_authorized(self, asked)

    def revoke_tokens(self) -> None:
        self.tokens.clear()

    def is_client(self, form: dict[str, str]) -> bool:
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert form["grant_type"] == "client_credentials"
        self.claims = {
            **_verified(form["client_assertion"], f"{self.url}/oauth2/v1/token"),
            "scope": form["scope"],
        }
        return (self.claims["iss"], self.claims["sub"]) == ("0oaservice", "0oaservice")


class FakeEntra(FakeDirectory):
    """A tenant and Microsoft Graph on one origin."""

    alice = "87d349ed-44d7-43e1-9a83-5f2406dee5b1"
    active: ClassVar[dict[str, Any]] = {"accountEnabled": True}
    suspended: ClassVar[dict[str, Any]] = {"accountEnabled": False}
    is_subject_id = False

    def rules(self) -> ProductRules:
        token = f"{self.url}/tenant/oauth2/v2.0/token"
        return EntraRules(
            url=self.url, token_url=token, client_id="muster-reader", secret=lambda: self.secret
        )

    def is_client(self, form: dict[str, str]) -> bool:
        return super().is_client(form) and form["scope"] == f"{self.url}/.default"

    def routes(self) -> list[tuple[str, str, str, Endpoint]]:
        return [
            ("POST", "/tenant/oauth2/v2.0/token", "token", self.token),
            ("GET", "/v1.0/users", "users", self._users),
            ("GET", "/v1.0/users/{id}", "user", self._user),
            ("POST", "/v1.0/users/{id}/getMemberObjects", "groups", self._groups),
        ]

    def _users(self, request: web.Request, asked: Asked) -> Reply:
        assert (asked.query["$top"], asked.query["$select"]) == ("1", "id")
        wanted = asked.query.get("$filter")
        email = wanted.split("'")[1] if wanted else None
        assert wanted is None or wanted == f"mail eq '{email}' or userPrincipalName eq '{email}'"
        context = "https://graph.microsoft.com/v1.0/$metadata#users(id)"
        return Reply({"@odata.context": context, "value": [{"id": one} for one in self.shown(email)]})

    def _user(self, request: web.Request, asked: Asked) -> Reply:
        assert asked.query == {"$select": "accountEnabled,id"}
        person = self.found(request.match_info["id"])
        if person is None:
            return self.missing()
        context = "https://graph.microsoft.com/v1.0/$metadata#users(accountEnabled,id)/$entity"
        return Reply({"@odata.context": context, "id": request.match_info["id"], **person.record})

    def _groups(self, request: web.Request, asked: Asked) -> Reply:
        assert json.loads(asked.body) == {"securityEnabledOnly": False}
        person = self.found(request.match_info["id"])
        if person is None:
            return self.missing()
        context = "https://graph.microsoft.com/v1.0/$metadata#Collection(Edm.String)"
        return Reply({"@odata.context": context, "value": person.groups})

    def unauthorized(self) -> Reply:
        return self._error(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")

    def forbidden(self) -> Reply:
        return self._error(
            403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
        )

    def missing(self) -> Reply:
        message = f"Resource '{self.alice}' does not exist or one of its queried reference-property objects are not present."
        return self._error(404, "Request_ResourceNotFound", message)

    def busy(self) -> Reply:
        reply = self._error(429, "TooManyRequests", "Too many requests")
        reply.headers["Retry-After"] = "7"
        return reply

    def _error(self, status: int, code: str, message: str) -> Reply:
        inner = {"request-id": "fa0ff5c8-4b7a-4c1f-8f3a-0f8b9f4a0d11", "date": "2026-11-15T13:41:49"}
        return Reply({"error": {"code": code, "message": message, "innerError": inner}}, status=status)


class FakeGoogle(FakeDirectory):
    """A Workspace customer whose administrator is admin@example.com; `delegated` are the scopes of the service account."""

    alice = "114511147312345678901"
    active: ClassVar[dict[str, Any]] = {"suspended": False, "archived": False}
    suspended: ClassVar[dict[str, Any]] = {"suspended": True, "suspensionReason": "ADMIN", "archived": False}
    canary = "user"

    def __init__(self) -> None:
        super().__init__()
        self.people["admin@example.com"] = Person(email="admin@example.com")
        self.delegated = {f"{SCOPE}.user.readonly", f"{SCOPE}.group.readonly"}

    def rules(self) -> ProductRules:
        return GoogleRules(
            url=self.url,
            token_url=f"{self.url}/token",
            key=self._key,
            admin="admin@example.com",
            domains=frozenset({"example.com"}),
        )

    def _key(self) -> str:
        account = {"type": "service_account", "project_id": "muster", "private_key_id": "kid-1"}
        email = "reader@muster.iam.gserviceaccount.com"
        key = pem() if self.secret == SECRET else "no key"
        return json.dumps({**account, "private_key": key, "client_email": email}, indent=2)

    def is_client(self, form: dict[str, str]) -> bool:
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        self.claims = _verified(form["assertion"], f"{self.url}/token")
        assert self.claims["sub"] == "admin@example.com"
        return set(self.claims["scope"].split()) <= self.delegated

    def routes(self) -> list[tuple[str, str, str, Endpoint]]:
        api = "/admin/directory/v1"
        return [
            ("POST", "/token", "token", self.token),
            ("GET", api + "/users/{id}", "user", self._user),
            ("GET", api + "/groups", "groups", self._groups),
        ]

    def _user(self, request: web.Request, asked: Asked) -> Reply:
        key = request.match_info["id"]
        by_email = {person.email: one for one, person in self.people.items()}
        person = self.found(by_email.get(key, key) if "@" in key else key)
        if person is None:
            return self.missing()
        return Reply(
            {
                "kind": "admin#directory#user",
                "id": self.alice if "@" not in key else "117320612916247410000",
                "etag": '"etag"',
                "primaryEmail": person.email,
                "name": {"givenName": "Alice", "familyName": "Archer", "fullName": "Alice Archer"},
                "isAdmin": False,
                "agreedToTerms": True,
                **person.record,
            }
        )

    def _groups(self, request: web.Request, asked: Asked) -> Reply:
        assert asked.query["maxResults"] == "200"
        person = self.found(asked.query["userKey"])
        if person is None:
            return self.missing()
        start = int(asked.query.get("pageToken", "0"))
        shown, rest = person.groups[start : start + self.page], person.groups[start + self.page :]
        answer: dict[str, Any] = {"kind": "admin#directory#groups", "etag": '"etag"'}
        if shown:
            answer["groups"] = [
                {
                    "kind": "admin#directory#group",
                    "id": f"01{name}",
                    "email": name,
                    "name": name.partition("@")[0],
                    "directMembersCount": "6",
                    "adminCreated": True,
                }
                for name in shown
            ]
        if rest:
            answer["nextPageToken"] = str(start + self.page)
        return Reply(answer)

    def unauthorized(self) -> Reply:
        return self._error(401, "authError", "Invalid Credentials")

    def forbidden(self) -> Reply:
        return self._error(403, "forbidden", "Not Authorized to access this resource/api")

    def missing(self) -> Reply:
        return self._error(404, "notFound", "Resource Not Found: userKey")

    def busy(self) -> Reply:
        return self._error(403, "quotaExceeded", "Quota exceeded for quota metric 'Queries'")

    def _error(self, status: int, reason: str, message: str) -> Reply:
        entry = {"message": message, "domain": "global", "reason": reason}
        return Reply({"error": {"code": status, "message": message, "errors": [entry]}}, status=status)


def _verified(assertion: str, audience: str) -> dict[str, Any]:
    """The claims of an assertion that the server would accept at any time; its `kid` is the one registered."""
    assert jwt.get_unverified_header(assertion)["kid"] == "kid-1"
    claims: dict[str, Any] = jwt.decode(
        assertion,
        private_key().public_key(),
        algorithms=["RS256"],
        audience=audience,
        options={"verify_exp": False, "verify_iat": False, "require": ["iat", "exp", "jti"]},
    )
    assert claims["exp"] - claims["iat"] <= 3600
    return claims


WITH_GRANT: tuple[type[FakeDirectory], ...] = (FakeKeycloak, FakeOktaService, FakeEntra, FakeGoogle)
PRODUCTS: tuple[type[FakeDirectory], ...] = (FakeOkta, *WITH_GRANT)


@asynccontextmanager
async def running(fake: FakeDirectory) -> AsyncIterator[FakeDirectory]:
    """The directory on a free port of loopback."""
    app = web.Application()
    for method, path, route, endpoint in fake.routes():
        app.router.add_route(method, path, fake.serve(route, endpoint))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    fake.url = f"http://{host}:{port}"
    try:
        yield fake
    finally:
        await runner.cleanup()


@dataclass
class Asking:
    """Muster's side: its directory, and a clock that a test moves."""

    fake: FakeDirectory
    directory: Directory
    now: float = NOW

    @property
    def subject(self) -> Subject:
        """Alice; in Entra her subject is another thing than her id."""
        sub = self.fake.alice if self.fake.is_subject_id else "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ"
        return Subject(issuer="https://idp.example.com", subject=sub)

    @property
    def directory_id(self) -> str | None:
        return None if self.fake.is_subject_id else self.fake.alice


@asynccontextmanager
async def asking(
    fake: FakeDirectory, *, timeout: float = 5.0, is_telling: bool = True
) -> AsyncIterator[Asking]:
    """A running fake and the product's directory that asks it."""
    async with running(fake), open_session() as http:
        rules = DirectoryRules(
            product=fake.rules(),
            is_subject_id=fake.is_subject_id,
            is_telling_groups=is_telling,
            timeout=timeout,
        )
        idp = IdpRules(id=IdpId("corp"), name="Corp", issuer="https://idp.example.com", client_id="muster")
        holder: list[Asking] = []
        directory = open_directory(rules, idp, http, clock=lambda: holder[0].now)
        holder.append(Asking(fake, directory))
        yield holder[0]
