"""A form of ours that came back: read only when it is genuine (see `guard.py`)."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from proxy.session.model import Session
from proxy.web.guard import FIELD, is_form_token, is_own_request
from proxy.web.parts import WebParts
from proxy.web.wording import Wording

FORGED: Final = Wording(
    title="Nothing was done",
    why="This request did not come from a page of this site, or the page was too old.",
    todo="Go back to the page, load it again, and press the button there.",
)


def is_own(request: web.Request, parts: WebParts) -> bool:
    """Whether a page of ours sent it, as far as the browser says."""
    headers = request.headers
    return is_own_request(headers.get("Origin"), headers.get("Sec-Fetch-Site"), parts.site.public_url)


async def genuine_form(
    request: web.Request, parts: WebParts, session: Session
) -> Mapping[str, object] | None:
    """The fields of a form that this session's person sent from a page of ours; None for any other request."""
    if not is_own(request, parts):
        return None
    try:
        fields = await request.post()
    except ValueError:  # a form that is none: it cannot hold our token
        return None
    token = fields.get(FIELD)
    if not isinstance(token, str) or not is_form_token(parts.keys, session.key, token):
        return None
    return fields
