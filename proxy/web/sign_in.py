"""`GET /_muster/sign-in`: choose an IdP where there are several, and go there.

return_to   a path of ours, where the person wanted to go
idp         the IdP, by its id
login_hint  the address or name to begin with; the IdP gets it, and its domain may choose
email       the same, as the form of our own page sends it
silent=1    without showing anything, if the IdP can (`prompt=none`)
another=1   the IdP is to offer another account
navigation=1  the path's rule says that whoever asks is a browser, though the request does not
acr_values, max_age   what a path demands of the sign-in, where the operator's rules have it so
cut=1       the address was too long to be kept: the person is told first
choose=1    show the page even where the operator says that the last used IdP will do
"""

from collections.abc import Mapping
from typing import Final, assert_never

from aiohttp import web

from proxy.identity import IdpId
from proxy.oidc.client import Authorization
from proxy.oidc.flow import ENTROPY_BYTES, Prompt, is_too_long, safe_return_to
from proxy.reasons import Reason
from proxy.session.cookie import set_cookie
from proxy.session.model import Condition, Misconfigured, Session, Trouble
from proxy.session.policy import condition
from proxy.session.step_up import Demand
from proxy.web import attempts, silent
from proxy.web.answers import CHALLENGE, Answer, redirect
from proxy.web.choosing import Ask, Go, NotAllowed, Wish, choose, safe_hint
from proxy.web.cookies import sole_value
from proxy.web.endpoint import PAGES, PARTS
from proxy.web.parts import OWN
from proxy.web.ports import SignInFlow
from proxy.web.remembered import last_idp
from proxy.web.visitor import cookies_of, is_script, peer_of, session_of
from proxy.web.wording import SIGN_IN_APART, Wording, wording_of

IDP_RETRY_AFTER: Final = 5
PLAINER: Final[Mapping[Prompt | None, Prompt | None]] = {
    Prompt.NONE: None,
    Prompt.SELECT_ACCOUNT: Prompt.LOGIN,
}
"""What follows, once, where an IdP does not do what was asked for: every IdP understands it (OpenID Connect Core §15.1)."""
CUT: Final = Wording(
    title="Sign in first",
    why="You are not signed in, and the address that you opened is too long to be kept through the sign-in.",
    todo="Sign in, which opens another tab and ends at the first page. Then go back here and to where you came from, and open "
    "the address again.",
    offers=(SIGN_IN_APART,),
)
_KEPT: Final = ("login_hint", "another", "acr_values", "max_age")
"""What a choice on our page carries on."""

UNSAFE_CALLBACK: Final = "issuer_not_announced"
"""Among several IdPs, one that shares the callback and does not put `iss` into its answers: they could be taken for another's."""


async def sign_in(request: web.Request) -> Answer:
    """A browser starts an attempt; a script never does."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    if is_script(request):
        return pages.not_signed_in()
    if request.query.get("cut") == "1" or is_too_long(request.query.get("return_to", "/")):
        return cut_page(request)
    session = await session_of(parts, request)
    choice = choose(tuple(parts.flows), parts.choosing, _wish(request, session))
    match choice:
        case Ask():
            return choose_page(request, choice)
        case NotAllowed(idp=idp):
            return not_allowed(request, idp, _return_to(request))
        case Go(idp=idp) if "email" in request.query:
            return onward_page(request, idp)
        case Go(idp=idp):
            return await _begun(request, parts.flows[idp], session)
        case _:
            assert_never(choice)


def landing(target: str) -> str:
    """Where a sign-in may end: a path of this origin, and of our own pages only the profile."""
    safe = safe_return_to(target)
    path = safe.partition("?")[0]
    return "/" if path.startswith(f"{OWN}/") and path != f"{OWN}/profile" else safe


async def go(
    request: web.Request,
    flow: SignInFlow,
    return_to: str,
    *,
    prompt: Prompt | None = None,
    login_hint: str | None = None,
    demand: Demand | None = None,
) -> Answer:
    """Send the browser to the IdP, with the attempt sealed into a cookie of its own."""
    parts = request.app[PARTS]
    begun = await flow.authorization(
        redirect_uri=parts.callback_url(flow.rules.id),
        return_to=return_to,
        entropy=parts.entropy(ENTROPY_BYTES),
        now=parts.clock(),
        prompt=prompt,
        login_hint=login_hint,
        demand=demand,
    )
    match begun:
        case Misconfigured() if prompt in PLAINER:
            # Where requests are pushed, a word that the IdP does not know is refused there already (RFC 9126 §2.3).
            plainer = PLAINER[prompt]
            return await go(request, flow, return_to, prompt=plainer, login_hint=login_hint, demand=demand)
        case Authorization(attempt=attempt) if not parts.tells_apart(attempt):
            return idp_failed(request, flow, Misconfigured(code=UNSAFE_CALLBACK), return_to)
        case Authorization(attempt=attempt, url=url):
            return redirect(url).with_headers(*attempts.kept(parts, attempt, cookies_of(request)))
        case Trouble() | Misconfigured():
            return idp_failed(request, flow, begun, return_to)
        case _:
            assert_never(begun)


def cut_page(request: web.Request) -> Answer:
    """Said before the sign-in and not after it: the address still stands in the browser."""
    pages, query = request.app[PAGES], request.query
    more = {name: query[name] for name in ("idp", "silent", *_KEPT) if name in query}
    return pages.notice(CUT, status=200, code="address_too_long", retry_to=pages.sign_in_address("/", more))


def idp_failed(
    request: web.Request, flow: SignInFlow, fault: Trouble | Misconfigured, return_to: str
) -> Answer:
    """A page that blames the IdP, never the person; nothing is stored."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    if isinstance(fault, Trouble):
        reason, status, detail = Reason.IDP_TROUBLE, 503, fault.detail
        wait: int | None = max(1, int(fault.retry_after or IDP_RETRY_AFTER))
    else:
        reason, status, detail, wait = Reason.IDP_MISCONFIGURED, 502, fault.code, None
    parts.journal.idp_failed(flow.rules.id, reason, detail)
    return pages.notice(
        wording_of(reason, status),
        status=status,
        code=reason.value,
        retry_after=wait,
        retry_to=pages.sign_in_address(return_to),
    )


def not_allowed(request: web.Request, idp: IdpId, return_to: str) -> Answer:
    """Another IdP is enforced; the page leads there."""
    parts, pages, reason = request.app[PARTS], request.app[PAGES], Reason.IDP_NOT_ALLOWED
    parts.journal.sign_in_failed(reason.value, idp=idp, peer=peer_of(request))
    return pages.notice(
        wording_of(reason, 403), status=403, code=reason.value, retry_to=pages.sign_in_address(return_to)
    )


def choose_page(request: web.Request, ask: Ask) -> Answer:
    """Links, and where domains are known a field for the address. The last used IdP stands first and says so."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    more = {name: value for name in _KEPT if (value := request.query.get(name))}
    choices = [
        (pages.sign_in_address(_return_to(request), {"idp": idp, **more}), parts.flows[idp].rules.name)
        for idp in ask.idps
    ]
    return pages.page(
        "choose.html",
        choices=choices,
        has_last=last_idp(request, parts) in ask.idps,
        takes_address=bool(parts.choosing.domains),
        address=request.query.get("email", ""),
        is_unknown="email" in request.query,
        return_to=_return_to(request),
        is_another="another" in more,
    )


def onward_page(request: web.Request, idp: IdpId) -> Answer:
    """The form's answer is a page that goes on by itself: a policy's `form-action` holds for every redirect behind a form,
    and nobody knows where an IdP redirects to."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    hint = safe_hint(request.query.get("email"))
    more = {"login_hint": hint} if hint else {}
    more |= {name: value for name in _KEPT[1:] if (value := request.query.get(name))}
    target = pages.sign_in_address(_return_to(request), {"idp": idp, **more})
    return pages.page("onward.html", target=target, idp_name=parts.flows[idp].rules.name)


async def _begun(request: web.Request, flow: SignInFlow, session: Session | None) -> Answer:
    """Another account, silent, or ordinary. A session of this IdP gives its address as the hint, unless another is to come."""
    hint = safe_hint(request.query.get("login_hint"))
    return_to, demand = _return_to(request), _demand(request)
    if request.query.get("another") == "1":
        return await go(request, flow, return_to, prompt=Prompt.SELECT_ACCOUNT, login_hint=hint)
    if session is None or session.idp != flow.rules.id:
        return await go(request, flow, return_to, login_hint=hint, demand=demand)
    if request.query.get("silent") == "1":
        return await _silently(request, flow, session, return_to)
    hint = hint or safe_hint(session.identity.email)
    return await go(request, flow, return_to, login_hint=hint, demand=demand)


async def _silently(request: web.Request, flow: SignInFlow, session: Session, return_to: str) -> Answer:
    """The IdP is asked without showing anything (semantics §5.6), unless another tab did so just now; never in a circle."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    name = silent.name(parts.site.cookie_name)
    count = silent.next_value(sole_value(cookies_of(request), name), return_to)
    if count is None:
        reason, retry_to = Reason.SIGN_IN_LOOP, pages.sign_in_address(return_to)
        parts.journal.sign_in_failed(reason.value, idp=session.idp, peer=peer_of(request))
        wording = wording_of(reason, 401)
        page = pages.notice(wording, status=401, code=reason.value, retry_to=retry_to)
        return page.with_headers(CHALLENGE)
    kept = set_cookie(
        name,
        count,
        is_secure=parts.site.is_cookie_secure,
        max_age=silent.seconds(parts.refresh.at_least),
    )
    if condition(session, parts.clock(), parts.refresh) is Condition.FRESH:
        return redirect(parts.site.url(return_to)).with_headers(("Set-Cookie", kept))
    hint = safe_hint(session.identity.email)
    answer = await go(request, flow, return_to, prompt=Prompt.NONE, login_hint=hint)
    return answer.with_headers(("Set-Cookie", kept))


def _wish(request: web.Request, session: Session | None) -> Wish:
    query = request.query
    is_continuing = query.get("silent") == "1" or _demand(request) is not None
    return Wish(
        asked=IdpId(query["idp"]) if query.get("idp") else None,
        address=safe_hint(query.get("email") or query.get("login_hint")),
        continued=session.idp if session is not None and is_continuing else None,
        last=last_idp(request, request.app[PARTS]),
        must_ask=query.get("choose") == "1" or query.get("another") == "1",
    )


def _demand(request: web.Request) -> Demand | None:
    """What the link asks for, if any path demands just that: nobody makes up a demand for others."""
    asked = {name: request.query[name] for name in ("acr_values", "max_age") if name in request.query}
    return next((one for one in request.app[PARTS].demands if one.parameters() == asked), None)


def _return_to(request: web.Request) -> str:
    return landing(request.query.get("return_to", "/"))
