"""What lets a script of another origin read an answer of ours (Fetch §3.2): only for origins that the operator listed.

An origin is never reflected unless it is listed, and credentials are allowed for listed ones only. `Vary: Origin` is on every
answer in the app's place (`answers.VARY`).
"""

from typing import Final

from proxy.gate.decision import Request

EXPOSED: Final = "Retry-After, WWW-Authenticate, grpc-status, grpc-message"
"""The fields that a script may read besides the few that it always may."""


def cors_fields(request: Request | None, origins: frozenset[bytes]) -> tuple[tuple[str, str], ...]:
    """The fields for this request's origin; none for an origin that is not listed, or that stands there twice."""
    if request is None or not origins or request.names.count(b"origin") != 1:
        return ()
    origin = request.header(b"origin") or b""
    if origin not in origins:
        return ()
    return (
        ("Access-Control-Allow-Origin", origin.decode("ascii")),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", EXPOSED),
    )
