"""Which IdP this browser used last: a cookie with its id, which is no secret and decides nothing but an order."""

from typing import Final

from aiohttp import web

from proxy.identity import IdpId
from proxy.session.cookie import set_cookie
from proxy.web.cookies import sole_value
from proxy.web.parts import WebParts
from proxy.web.visitor import cookies_of

SECONDS: Final = 400 * 86_400
"""As long as browsers keep any cookie (RFC 6265bis §5.5)."""


def last_idp(request: web.Request, parts: WebParts) -> IdpId | None:
    """A listed IdP, or None; whoever writes the cookie themselves gets another order of links."""
    value = sole_value(cookies_of(request), _name(parts))
    return IdpId(value) if value is not None and IdpId(value) in parts.flows else None


def kept(parts: WebParts, idp: IdpId) -> list[tuple[str, str]]:
    """The Set-Cookie field; none where there is nothing to choose."""
    if len(parts.flows) == 1:
        return []
    return [
        ("Set-Cookie", set_cookie(_name(parts), idp, is_secure=parts.site.is_cookie_secure, max_age=SECONDS))
    ]


def _name(parts: WebParts) -> str:
    # The edge takes whatever begins with our name and `-` out of what the app gets.
    return f"{parts.site.cookie_name}-idp"
