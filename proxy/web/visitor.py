"""Who is asking a page of ours: their cookies, their session, and whether a person is looking."""

from typing import Final

from aiohttp import web

from proxy.gate import decision
from proxy.gate.decision import Kind
from proxy.session.cookie import session_key
from proxy.session.model import Condition, Session, SessionKey
from proxy.session.policy import condition
from proxy.web.cookies import read_cookies, sole_value
from proxy.web.parts import WebParts

MOST_USER_AGENT: Final = 200


def cookies_of(request: web.Request) -> dict[str, tuple[str, ...]]:
    return dict(read_cookies(request.headers.getall("Cookie", [])))


def peer_of(request: web.Request) -> str:
    """The client's address, as the edge saw it; clients cannot set this field (the edge strips it in every spelling)."""
    return request.headers.get("X-Muster-Peer", "")


def user_agent_of(request: web.Request) -> str:
    """What the browser calls itself: printable, and never long. Shown to its own person, believed by nobody."""
    told = request.headers.get("User-Agent", "")[:MOST_USER_AGENT]
    return "".join(one for one in told if one.isprintable())


def is_script(request: web.Request) -> bool:
    """By the gate's own rule. `navigation=1` in the address speaks for a request that says nothing of itself."""
    raw = list(request.raw_headers)
    asked = decision.Request(
        method=request.method.encode(),
        target=request.raw_path.encode(),
        path=request.raw_path.partition("?")[0].encode(),
        headers=raw,
        names=[name.lower() for name, _ in raw],
        host=None,
        cookie=None,
        peer="",
        scheme="",
    )
    kind = decision.declared_kind(asked)
    return kind is not Kind.NAVIGATION and not (kind is None and request.query.get("navigation") == "1")


def key_of(parts: WebParts, request: web.Request) -> SessionKey | None:
    """The store's key of the session cookie; None for a foreign, broken or doubled one."""
    value = sole_value(cookies_of(request), parts.site.cookie_name)
    return None if value is None else session_key(value.encode("utf-8", "surrogateescape"))


async def session_of(parts: WebParts, request: web.Request) -> Session | None:
    """The living session of this browser. Raises Unavailable when the store does not answer."""
    key = key_of(parts, request)
    session = None if key is None else await parts.sessions.load(key)
    if session is None or condition(session, parts.clock(), parts.refresh) is Condition.ENDED:
        return None
    return session
