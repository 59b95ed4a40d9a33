"""One handle for both IdPs of the story: the demonstration's and the certified `oidc-provider`, each behind a relay."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from proxy.demo.idp import make_application
from proxy.demo.idp_state import IdpOptions, IdpState
from proxy.demo.listener import Listener
from proxy.demo.people import Person
from tests.e2e.relay import Relay
from tests.fakes.browser import Answer, Browser, Form
from tests.partners.oidc_provider import OidcProvider

CLIENT_ID = "muster"
TOKEN_REQUEST = b"POST /token"

PEOPLE = (
    Person(login="alice", name="Alice Archer", email="alice@example.com", groups=("engineers",)),
    Person(login="bob", name="Bob Baker", email="bob@example.com", groups=("designers",)),
    Person(login="carol", name="Carol Carter", email="carol@example.com", groups=("engineers", "designers")),
    Person(login="erin", name="Erin Ernst", email="erin@example.com"),
    Person(login="mallory", name="Mallory Moe", email="mallory@elsewhere.test", groups=("engineers",)),
)


class Idp(Protocol):
    """What a test does at an IdP. `says_why`: a suspended person's refresh names the reason by a marker."""

    says_why: bool
    relay: Relay
    secret: str

    @property
    def issuer(self) -> str: ...

    def settings(self) -> dict[str, Any]:
        """An entry of `idps`, without id and secret."""

    async def register(self, redirect_uri: str, signed_out: str) -> None:
        """Makes Muster known as a client."""

    async def set_groups(self, login: str, groups: list[str] | None) -> None:
        """None: the claim is left out."""

    async def suspend(self, login: str) -> None: ...

    async def resume(self, login: str) -> None: ...

    async def age(self, login: str, seconds: int) -> None:
        """The person signed in at the IdP so many seconds earlier."""

    async def change_secret(self, secret: str) -> None: ...

    async def stop(self) -> None: ...

    async def start(self) -> None: ...

    async def refreshes(self) -> int:
        """Refreshes that the IdP answered with tokens."""

    async def refused(self) -> int:
        """Token calls that it refused, for whatever reason."""

    def asks(self, page: Answer) -> bool:
        """Whether the page is this IdP's question who is there."""

    async def answer(self, browser: Browser, login: str, *, follow: bool = True) -> Answer:
        """Answers the question that the browser shows."""

    async def cancel(self, browser: Browser) -> Answer: ...


class Demo:
    """The demonstration's IdP, in this process."""

    says_why = True

    def __init__(self, relay: Relay, people: tuple[Person, ...] = PEOPLE, **options: Any) -> None:
        self.relay = relay
        self.secret = secrets.token_urlsafe(16)
        self.state = IdpState(people, IdpOptions(client_id=CLIENT_ID, client_secret=self.secret, **options))
        self.state.issuer = f"http://{relay.address}"
        self._listener = Listener(lambda: make_application(self.state))

    @property
    def issuer(self) -> str:
        return self.state.issuer

    def settings(self) -> dict[str, Any]:
        """Keycloak's marker for a suspended person is what this IdP answers."""
        return {"kind": "keycloak", "scopes": ["openid", "profile", "email", "groups"]}

    async def register(self, redirect_uri: str, signed_out: str) -> None:
        """It lets any loopback address be one."""

    async def set_groups(self, login: str, groups: list[str] | None) -> None:
        account = self.state.accounts[login]
        account.is_groups_claim_left_out = groups is None
        account.groups = account.groups if groups is None else tuple(groups)

    async def suspend(self, login: str) -> None:
        self.state.suspend(login)

    async def resume(self, login: str) -> None:
        self.state.accounts[login].is_suspended = False

    async def age(self, login: str, seconds: int) -> None:
        visits = self.state.grants.visits
        for cookie, visit in visits.items():
            if visit.login == login:
                visits[cookie] = replace(visit, auth_time=visit.auth_time - seconds)

    async def change_secret(self, secret: str) -> None:
        self.state.options.client_secret = secret

    async def stop(self) -> None:
        await self._listener.stop()

    async def start(self) -> None:
        url = await self._listener.start()
        self.relay.target = url.removeprefix("http://")

    async def refreshes(self) -> int:
        return self.state.answers["refresh_token ok"]

    async def refused(self) -> int:
        answers = self.state.answers
        return sum(count for answer, count in answers.items() if not answer.endswith(" ok"))

    def asks(self, page: Answer) -> bool:
        return str(page.url.origin()) == self.issuer and page.url.path == "/authorize"

    async def answer(self, browser: Browser, login: str, *, follow: bool = True) -> Answer:
        return await browser.submit(_sign_in_form(browser), {"login": login}, follow=follow)

    async def cancel(self, browser: Browser) -> Answer:
        return await browser.submit(_sign_in_form(browser), {"cancel": "yes"})


class Certified:
    """npm's `oidc-provider`, a child process. It never says why it refuses a refresh.

    `client` is what Muster is registered with instead of a secret.
    """

    says_why = False

    def __init__(
        self,
        relay: Relay,
        folder: Path,
        people: tuple[Person, ...] = PEOPLE,
        *,
        client: Mapping[str, Any] | None = None,
        **env: str,
    ) -> None:
        self.relay = relay
        self._people = people
        self.secret = secrets.token_urlsafe(16)
        self._client = client
        scheme = "https" if "TLS_FILE" in env else "http"
        self.server = OidcProvider(folder, issuer=f"{scheme}://{relay.address}", env=env)

    @property
    def issuer(self) -> str:
        return self.server.issuer

    def settings(self) -> dict[str, Any]:
        return {"kind": "generic", "scopes": ["openid", "profile", "email", "groups"]}

    async def register(self, redirect_uri: str, signed_out: str) -> None:
        await self.server.put_client(
            CLIENT_ID,
            redirect_uris=[redirect_uri],
            post_logout_redirect_uris=[signed_out],
            backchannel_logout_uri=redirect_uri.replace("/callback", "/backchannel-logout"),
            backchannel_logout_session_required=True,
            **({"client_secret": self.secret} if self._client is None else self._client),
        )
        for person in self._people:
            claims = {"name": person.name, "email": person.email, "groups": list(person.groups)}
            await self.server.put_person(person.login, **claims)

    async def set_groups(self, login: str, groups: list[str] | None) -> None:
        await self.server.put_person(login, groups=groups)

    async def suspend(self, login: str) -> None:
        await self.server.suspend(login)

    async def resume(self, login: str) -> None:
        await self.server.resume(login)

    async def age(self, login: str, seconds: int) -> None:
        await self.server.age(login, seconds)

    async def change_secret(self, secret: str) -> None:
        await self.server.put_client(CLIENT_ID, client_secret=secret)

    async def stop(self) -> None:
        self.server.stop()

    async def start(self) -> None:
        self.server.start()
        self.relay.target = self.server.address

    async def refreshes(self) -> int:
        calls = await self.server.token_calls(CLIENT_ID)
        return sum(call.grant_type == "refresh_token" and call.outcome == "ok" for call in calls)

    async def refused(self) -> int:
        return sum(call.outcome != "ok" for call in await self.server.token_calls(CLIENT_ID))

    def asks(self, page: Answer) -> bool:
        return str(page.url.origin()) == self.issuer and page.url.path.startswith("/interaction/")

    async def answer(self, browser: Browser, login: str, *, follow: bool = True) -> Answer:
        """`follow=False` stops before Muster's callback; the redirects inside the IdP are followed anyway."""
        values = {"login": login, "password": "any", "do": "sign-in"}
        page = await browser.submit(_sign_in_form(browser), values, follow=False)
        while True:
            if page.status in {302, 303} and str(page.location.origin()) == self.issuer:
                page = await browser.go(page.location, follow=False, link=True)
            elif "<title>Submitting Callback" in page.text:
                # Another person than before: it ends the old session by a form that a script sends, or a person.
                page = await browser.submit(page.form(), follow=False)
            else:
                break
        return await browser.follow() if follow and page.status in {302, 303} else page

    async def cancel(self, browser: Browser) -> Answer:
        return await browser.submit(_sign_in_form(browser), {"do": "cancel"})


def _sign_in_form(browser: Browser) -> Form:
    return browser.page.form(lambda form: form.method == "POST")


@asynccontextmanager
async def demo_idp(people: tuple[Person, ...] = PEOPLE, **options: Any) -> AsyncIterator[Demo]:
    """The demonstration's IdP, running. `options` are those of `IdpOptions`."""
    async with Relay() as relay:
        idp = Demo(relay, people, **options)
        await idp.start()
        try:
            yield idp
        finally:
            await idp.stop()


@asynccontextmanager
async def certified_idp(
    folder: Path,
    people: tuple[Person, ...] = PEOPLE,
    *,
    client: Mapping[str, Any] | None = None,
    **env: str,
) -> AsyncIterator[Certified]:
    """`oidc-provider`, running. `env` is its `server.mjs`'s environment."""
    async with Relay() as relay:
        idp = Certified(relay, folder, people, client=client, **env)
        await idp.start()
        try:
            yield idp
        finally:
            await idp.stop()
