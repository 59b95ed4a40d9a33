"""From a handler that gives an `Answer` to an aiohttp handler; whatever else happens becomes a page too."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from multidict import CIMultiDict

from proxy.errors import NotTrusted, Unavailable
from proxy.identity import IdpId
from proxy.reasons import Reason
from proxy.web.answers import CHALLENGE, Answer, json_answer
from proxy.web.parts import WebParts
from proxy.web.render import Pages
from proxy.web.visitor import is_script, peer_of
from proxy.web.wording import HOME, Wording, wording_of

PARTS: web.AppKey[WebParts] = web.AppKey("parts", WebParts)
PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)

Handler: TypeAlias = Callable[[web.Request], Awaitable[Answer]]

NOT_TRUSTED = Wording(
    title="This sign-in cannot be completed",
    why="What your browser brought back does not belong to a sign-in that is under way here: "
    "it is too old, was used before, or was started elsewhere.",
    todo="Nothing has changed. Start again from the first page. If it happens again, "
    "see whether your browser accepts cookies from this site.",
    offers=(HOME,),
)


def endpoint(handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A page's errors by whose fault they are (errors.py); a bug shows an id and nothing else."""

    async def respond(request: web.Request) -> web.Response:
        try:
            answer = await handler(request)
        except NotTrusted as refusal:
            answer = not_trusted(request, refusal)
        except Unavailable as away:
            answer = store_away(request, away)
        except web.HTTPException as refusal:
            answer = unreadable(request, refusal)
        except Exception as error:
            answer = crashed(request, error)
        return to_response(answer)

    return respond


def not_trusted(request: web.Request, refusal: NotTrusted, *, idp: IdpId | None = None) -> Answer:
    request.app[PARTS].journal.sign_in_failed(refusal.code, idp=idp, peer=peer_of(request))
    page = request.app[PAGES].notice(NOT_TRUSTED, status=refusal.status, code=refusal.code)
    return page.with_headers(CHALLENGE) if refusal.status == 401 else page


def store_away(request: web.Request, away: Unavailable) -> Answer:
    """What pages call may be unavailable for one reason: the store. IdPs answer with values."""
    reason = Reason.STORE_UNAVAILABLE
    if is_script(request):
        return json_answer(away.status, {"error": reason.value}).with_headers(
            ("Retry-After", str(away.retry_after))
        )
    return request.app[PAGES].refusal(reason, status=away.status, retry_after=away.retry_after)


def unreadable(request: web.Request, refusal: web.HTTPException) -> Answer:
    """A request that aiohttp itself would not read (a body too large)."""
    reason = Reason.BAD_REQUEST
    return request.app[PAGES].notice(wording_of(reason, 400), status=refusal.status, code=reason.value)


def crashed(request: web.Request, error: Exception) -> Answer:
    incident = request.app[PARTS].journal.crashed(error)
    reason = Reason.INTERNAL_ERROR
    if is_script(request):
        return json_answer(500, {"error": reason.value, "incident": incident})
    return request.app[PAGES].notice(
        wording_of(reason, 500), status=500, code=reason.value, incident=incident
    )


def to_response(answer: Answer) -> web.Response:
    fields = CIMultiDict((name.decode("ascii"), value.decode("ascii")) for name, value in answer.headers)
    return web.Response(status=answer.status, headers=fields, body=answer.body)
