"""The admin API of sessions, on `ops_listen` beside the metrics: for a help desk's tools, where no shell is at hand.

    GET    /sessions[?email=… | ?issuer=…&subject=… | ?idp=…[&sid=…]]   who is signed in
    GET    /sessions/ID                                                  one, in full
    DELETE /sessions/ID                                                  end one
    DELETE /sessions?email=… | ?issuer=…&subject=… | ?idp=…&sid=…        end all of a person, or of one session of an IdP

Every call shows the admin token (`Authorization: Bearer`, RFC 6750 §2.1); without the setting there is no such API. ID is
what a list shows, or the first digits that are enough. Every process hears of the end within a second, as from the command.

| answer | when |
|---|---|
| 200 | done; `sessions_ended` may be 0 |
| 400 | a filter that is none, or none where one is demanded |
| 401 | no token, or a wrong one |
| 404 | no session, or several, have that ID |
| 503 | the store does not answer |
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from aiohttp import web

from proxy.errors import Unavailable
from proxy.identity import IdpId, Subject
from proxy.reasons import Reason
from proxy.session.model import Session, SessionKey
from proxy.web.session_facts import in_full, in_short

MOST: Final = 10_000
_EVER: Final = 1e12
_LEAST_DIGITS: Final = 8
_FILTERS: Final = (frozenset({"email"}), frozenset({"issuer", "subject"}), frozenset({"idp", "sid"}))


Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AdminSessions(Protocol):
    """The part of the session store that this asks."""

    async def of_subject(self, subject: Subject) -> tuple[Session, ...]: ...

    async def last_used_before(self, cutoff: float, limit: int) -> tuple[Session, ...]: ...

    async def end(self, keys: Sequence[SessionKey], reason: Reason, now: float) -> None: ...

    async def end_subject(self, subject: Subject, reason: Reason, now: float) -> tuple[SessionKey, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminApi:
    """`token` gives the admin token now; `told` hears of each session that was ended."""

    sessions: AdminSessions
    token: Callable[[], str] = field(repr=False)
    told: Callable[[Session], None]
    clock: Callable[[], float]

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sessions", self._guarded(self._list)),
            web.delete("/sessions", self._guarded(self._end_many)),
            web.get("/sessions/{id}", self._guarded(self._show)),
            web.delete("/sessions/{id}", self._guarded(self._end_one)),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self._is_admin(request):
                return _answer(401, {"error": "admin_token"}, **{"WWW-Authenticate": "Bearer"})
            try:
                return await handler(request)
            except Unavailable as away:
                return _answer(
                    503, {"error": "store_unavailable"}, **{"Retry-After": str(away.retry_after or 1)}
                )

        return guarded

    def _is_admin(self, request: web.Request) -> bool:
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        expected = self.token()
        is_same = hmac.compare_digest(shown.strip().encode("utf-8", "replace"), expected.encode())
        return scheme.lower() == "bearer" and bool(expected) and is_same

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if request.query and set(request.query) not in (*_FILTERS, {"idp"}):
            return _no_filter()
        found = await self._found(request.query)
        return _answer(200, {"sessions": [in_short(one) for one in found]})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        one = await self._one(request.match_info["id"])
        return _no_session() if one is None else _answer(200, in_full(one))

    async def _end_one(self, request: web.Request) -> web.StreamResponse:
        one = await self._one(request.match_info["id"])
        if one is None:
            return _no_session()
        return await self._ended([one])

    async def _end_many(self, request: web.Request) -> web.StreamResponse:
        """Never everybody's for want of a filter."""
        if set(request.query) not in _FILTERS:
            return _no_filter()
        return await self._ended(await self._found(request.query))

    async def _ended(self, sessions: Sequence[Session]) -> web.StreamResponse:
        await self.sessions.end([one.key for one in sessions], Reason.ENDED_BY_OPERATOR, self.clock())
        for one in sessions:
            self.told(one)
        return _answer(200, {"sessions_ended": len(sessions)})

    async def _found(self, query: Mapping[str, str]) -> Sequence[Session]:
        if "subject" in query:
            return await self.sessions.of_subject(Subject(issuer=query["issuer"], subject=query["subject"]))
        everybody = await self.sessions.last_used_before(_EVER, MOST)
        if "email" in query:
            wanted = query["email"].strip().lower()
            return [one for one in everybody if (one.identity.email or "").lower() == wanted]
        idp, sid = query.get("idp"), query.get("sid")
        return [
            one
            for one in everybody
            if (idp is None or one.idp == IdpId(idp)) and (sid is None or one.idp_session == sid)
        ]

    async def _one(self, named: str) -> Session | None:
        if len(named) < _LEAST_DIGITS:
            return None
        everybody = await self.sessions.last_used_before(_EVER, MOST)
        found = [one for one in everybody if one.key.startswith(named.lower())]
        return found[0] if len(found) == 1 else None


def _answer(status: int, document: Mapping[str, Any], **headers: str) -> web.Response:
    return web.json_response(document, status=status, headers={"Cache-Control": "no-store", **headers})


def _no_filter() -> web.Response:
    return _answer(400, {"error": "filter", "filters": ["email", "issuer and subject", "idp and sid"]})


def _no_session() -> web.Response:
    return _answer(404, {"error": "no_such_session"})
