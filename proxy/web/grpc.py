"""A refusal as gRPC clients read it: HTTP 200, no body, and the status in `grpc-status` (Trailers-Only, gRPC over HTTP/2;
gRPC-Web takes the same in HTTP/1.1).

The mapping is gRPC's own from HTTP statuses (http-grpc-status-mapping), so that a client reads what it would have made of ours.
"""

import re
from typing import Final
from urllib.parse import quote

from proxy.gate.decision import Deny, Request, SignIn
from proxy.web.answers import NO_STORE, Answer

UNKNOWN: Final = 2
UNAUTHENTICATED: Final = 16

_BY_STATUS: Final = {400: 13, 401: 16, 403: 7, 404: 12, 413: 8, 429: 14, 500: 13, 502: 14, 503: 14, 504: 14}
_TYPE: Final = re.compile(rb"application/grpc(-web(-text)?)?(\+[a-z]{1,16})?", re.IGNORECASE)


def grpc_answer(verdict: SignIn | Deny, request: Request) -> Answer:
    """The verdict, under the media type that the client itself sent; `grpc-message` is the reason's word."""
    code = UNAUTHENTICATED if isinstance(verdict, SignIn) else _BY_STATUS.get(verdict.status, UNKNOWN)
    asked = _TYPE.match(request.header(b"content-type") or b"")
    fields = [
        (b"Content-Type", asked[0].lower() if asked else b"application/grpc"),
        NO_STORE,
        (b"grpc-status", b"%d" % code),
        (b"grpc-message", quote(verdict.reason.value).encode("ascii")),
    ]
    if isinstance(verdict, Deny) and verdict.retry_after is not None:
        fields.append((b"Retry-After", b"%d" % verdict.retry_after))
    return Answer(status=200, headers=tuple(fields))
