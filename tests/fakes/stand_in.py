"""A stand-in for Muster that does what the story tells by reading the demo IdP's memory, with faults the story must notice.

No protocol, no store: it exists so that every scene can be seen to pass and to fail within a second.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from proxy.demo.app import DemoApp
from proxy.demo.app_state import Account, Call
from proxy.demo.cast import Cast
from proxy.demo.configuration import Addresses
from proxy.demo.idp import DemoIdp
from proxy.demo.listener import Listener
from proxy.demo.stage import Stage

LINKS = {"engineers": "Developers", "platform": "Developers", "designers": "Designers"}
EVERY = 0.2
SIGN_IN = '<form method="post" action="/authorize"><button name="login" value="x"></button></form>'


@dataclass(slots=True, kw_only=True)
class Faults:
    """What the stand-in does wrong."""

    creates_late: bool = False
    creates_twice: bool = False
    keeps_old_groups: bool = False
    touches_unlinked: bool = False
    forgets_when_silent: bool = False
    fails_in_outage: bool = False
    raises_no_alarm: bool = False
    logs_nothing: bool = False
    keeps_sessions: bool = False
    never_archives: bool = False
    admits_anybody: bool = False
    restores_as_new: bool = False
    refreshes_each: bool = False
    never_applies: bool = False
    applies_twice: bool = False


@dataclass(slots=True)
class StandIn:
    """The ideal Muster, but for its faults. One session a cookie; the cookie is the login and a number."""

    idp: DemoIdp
    app: DemoApp
    faults: Faults = field(default_factory=Faults)
    sessions: dict[str, str] = field(default_factory=dict)
    refreshed_at: dict[str, float] = field(default_factory=dict)
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    runs: int = 1

    async def start(self) -> None:
        """After a kill: what was stated and not yet applied is applied."""
        self.runs += 1
        for login in self.known:
            self._arrive(login)

    async def stop(self) -> int:
        return 0

    async def kill(self) -> int:
        return -9

    async def ended(self) -> int:
        return 0

    def tail(self) -> str:
        return "the last line"

    def records(self) -> Iterator[dict[str, Any]]:
        yield from ({"reason": reason} for reason in self.told)

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.get("/headers", self._headers),
                web.post("/authorize", self._authorize),
                web.get("/metrics", self._metrics),
                web.get("/_muster/readyz", self._ready),
            ]
        )
        return application

    async def _ready(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _metrics(self, _: web.Request) -> web.Response:
        is_wrong = self._is_secret_wrong() and not self.faults.raises_no_alarm
        return web.Response(text=f'muster_idp_misconfigured{{idp="corp"}} {int(is_wrong)}\n')

    async def _authorize(self, request: web.Request) -> web.Response:
        login = str((await request.post())["login"])
        person = self.idp.state.accounts[login]
        if person.is_suspended or (login == "mallory" and not self.faults.admits_anybody):
            return web.Response(status=403, text="no")
        cookie = f"{login}-{len(self.sessions)}"
        self.sessions[cookie] = login
        self.known[login] = person.groups
        if not self.faults.creates_late:
            self._arrive(login)
        response = web.Response(status=303, headers={"Location": "/headers"})
        response.headers["Set-Cookie"] = f"__Host-muster={cookie}; Path=/; Secure"
        return response

    async def _headers(self, request: web.Request) -> web.Response:
        login = self.sessions.get(request.cookies.get("__Host-muster", ""))
        is_over = login is not None and self.idp.state.accounts[login].is_suspended
        if login is None or (is_over and not self.faults.keeps_sessions):
            self._end(login)
            is_person = request.headers.get("Sec-Fetch-Mode") == "navigate"
            return web.Response(status=200 if is_person else 401, text=SIGN_IN, content_type="text/html")
        if self.faults.fails_in_outage and self._is_out():
            return web.Response(status=503)
        self._renew(login)
        answer = await self._forward(login)
        if self.faults.creates_late:
            self._arrive(login)
        return answer

    async def _forward(self, login: str) -> web.Response:
        groups = ",".join(group for group in self.known[login] if group in LINKS)
        headers = {
            "X-Forwarded-User": login,
            "X-Forwarded-Email": f"{login}@example.com",
            "X-Forwarded-Groups": groups,
        }
        async with (
            aiohttp.ClientSession(headers={"Accept": "*/*"}) as http,
            http.get(f"{self.app.url}/headers", headers=headers) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read())

    # --- the rules, in short ----------------------------------------------------------------------------------

    def _is_out(self) -> bool:
        return not self.idp.is_listening

    def _is_secret_wrong(self) -> bool:
        return (self.idp.state.options.client_secret or "").startswith("rotated") and not self._is_told()

    def _is_told(self) -> bool:
        return "new secret" in self.told

    def _renew(self, login: str) -> None:
        """Ask again when due, as the IdP's figures will show; carry the answer into the app."""
        now = self.idp.state.now()
        if now - self.refreshed_at.get(login, 0.0) < EVERY and not self.faults.refreshes_each:
            return
        if self._is_out() or self._is_secret_wrong():
            if not self.faults.logs_nothing and self._is_secret_wrong():
                self.told.append("idp_misconfigured")
            return
        self.refreshed_at[login] = now
        self.idp.state.refreshes[login] += 1
        person = self.idp.state.accounts[login]
        if person.is_suspended:
            return
        if not person.is_groups_claim_left_out:
            self.known[login] = person.groups
        elif self.faults.forgets_when_silent:
            self.known[login] = ()
        if not self.faults.creates_late:
            self._arrive(login)

    def _end(self, login: str | None) -> None:
        """The person's sessions are over, and the account is archived."""
        self.sessions = {cookie: own for cookie, own in self.sessions.items() if own != login}
        account = self.app.state.by_login(login or "")
        if account is not None and not self.faults.never_archives:
            account.is_active = False

    def _arrive(self, login: str) -> None:
        state = self.app.state
        account = state.by_login(login) or self._create(login)
        if self.faults.restores_as_new and not account.is_active:
            account.login, account = "old", self._create(login)
        account.is_active = True
        if state.faults.delay and self.faults.never_applies is False and self.runs == 1:
            return  # the app is held back; the next run applies it
        if not (self.faults.never_applies and self.runs > 1):
            self._join(account, login)

    def _create(self, login: str) -> Account:
        state = self.app.state
        for _ in range(2 if self.faults.creates_twice else 1):
            state.calls.append(Call(at=state.now(), method="POST", path="/api/users", status=201))
        return state.add_account(login, f"{login}@example.com", login)

    def _join(self, account: Account, login: str) -> None:
        state = self.app.state
        names = {LINKS[group] for group in self.known[login] if group in LINKS}
        for group, name in state.groups.items():
            if name in names and group not in account.groups:
                account.groups.add(group)
                call = Call(
                    at=state.now(), method="PUT", path=f"/api/groups/{group}/members/{account.id}", status=204
                )
                state.calls.extend([call, call] if self.faults.applies_twice else [call])
            is_ours = name in LINKS.values() or self.faults.touches_unlinked
            if is_ours and name not in names and not self.faults.keeps_old_groups:
                account.groups.discard(group)


@asynccontextmanager
async def played(folder: Path, **faults: bool) -> AsyncIterator[Cast]:
    """A cast on a stage where the stand-in plays Muster. Things that should follow get a second."""
    idp, app = DemoIdp(algorithm="ES256"), DemoApp()
    issuer, url = await idp.start(), await app.start()
    muster = StandIn(idp, app, Faults(**faults))
    listener = Listener(muster.application)
    address = (await listener.start()).removeprefix("http://")
    at = Addresses(
        listen=address,
        public_url=f"http://app.localhost:{address.rsplit(':', 1)[1]}",
        ops=address,
        issuer=issuer,
        app=url,
    )
    stage = TellingStage(idp=idp, app=app, muster=muster, at=at, folder=folder, every=EVERY)
    async with AsyncExitStack() as stack:
        for part in (listener, idp, app):
            stack.push_async_callback(part.stop)
        yield Cast(stage=stage, stack=stack, slack=0.7)


class TellingStage(Stage):
    """A stage whose Muster hears of a new secret at once."""

    def tell_muster_secret(self, secret: str) -> None:
        assert isinstance(self.muster, StandIn)
        self.muster.told.append("new secret")
