"""Forms that come in, and forms of ours that came back: those are read only when they are genuine (see `guard.py`)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from proxy.session.model import Session
from proxy.web.guard import FIELD, is_form_token, is_own_request
from proxy.web.parts import WebParts
from proxy.web.wording import Wording

FORGED: Final = Wording(
    title="Nothing was done",
    why="This request did not come from a page of this site, or the page was too old.",
    todo="Go back to the page, load it again, and press the button there.",
)


URLENCODED: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 100


async def read_form(request: web.Request) -> MultiDict[str] | None:
    """A form as browsers and IdPs send one, in UTF-8; None for any other body. Raises HTTPException for one over the limit.

    Nothing else is tried: many parts, other character sets and other codings are much to go wrong for whoever may send them.
    """
    if request.content_type != URLENCODED:
        return None
    body = await request.read()
    try:
        return MultiDict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return None


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
    fields = await read_form(request)
    token = None if fields is None else fields.get(FIELD)
    if token is None or not is_form_token(parts.keys, session.key, token):
        return None
    return fields
