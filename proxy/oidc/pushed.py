"""Pushed authorization requests (RFC 9126): the request goes to the IdP first, and the browser carries its name.

| answer                                                              | outcome                          |
|---------------------------------------------------------------------|----------------------------------|
| 5xx, 429, 408, 3xx, not a JSON object                               | Trouble                          |
| `temporarily_unavailable`, `server_error`, `slow_down`              | Trouble                          |
| another error code                                                  | Misconfigured with it            |
| 201 or 200 with a `request_uri`                                     | that                             |
| anything else                                                       | Trouble                          |

The name is good for one request and some seconds (`expires_in`): it is made when a browser is sent, and never kept.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from proxy.oidc.json_body import read_json_object
from proxy.oidc.metadata import Metadata
from proxy.oidc.outcome import TROUBLE_ERRORS, TROUBLE_STATUSES, safe_code
from proxy.oidc.rules import PushUse
from proxy.session.model import Misconfigured, Trouble

_MOST_NAME: Final = 2048


def push_endpoint(metadata: Metadata, use: PushUse) -> str | Misconfigured | None:
    """Where to push this request; None = it goes with the browser. Misconfigured where the IdP and the operator disagree."""
    if use is PushUse.NEVER:
        return Misconfigured(code="push_required") if metadata.is_push_required else None
    if metadata.push_endpoint is None and (use is PushUse.ALWAYS or metadata.is_push_required):
        return Misconfigured(code="push_not_offered")
    return metadata.push_endpoint


def form_of(url: str, endpoint: str) -> dict[str, str]:
    """The parameters that `flow.begin` added to the authorization endpoint, as a form to push."""
    return dict(parse_qsl(url.removeprefix(endpoint)[1:], keep_blank_values=True, strict_parsing=True))


def read_pushed(
    status: int, content_type: str | None, body: bytes, retry_after: float | None
) -> str | Trouble | Misconfigured:
    """The `request_uri`, by the table above."""
    if status >= 500 or status in TROUBLE_STATUSES or 300 <= status < 400:
        return Trouble(detail=f"push_http_{status}", retry_after=retry_after)
    document = read_json_object(body, content_type)
    if document is None:
        return Trouble(detail="push_not_json", retry_after=retry_after)
    error = document.get("error")
    if isinstance(error, str) and error:
        code = safe_code(error)
        is_passing = error in TROUBLE_ERRORS
        return Trouble(detail=code, retry_after=retry_after) if is_passing else Misconfigured(code=code)
    return _name(document) if status in (200, 201) else Trouble(detail="push_no_error_code")


def _name(document: Mapping[str, object]) -> str | Trouble:
    name = document.get("request_uri")
    is_name = isinstance(name, str) and 0 < len(name) <= _MOST_NAME and name.isascii() and name.isprintable()
    return name if isinstance(name, str) and is_name else Trouble(detail="push_no_request_uri")
