"""`GET /_muster/jwks.json`: the public keys that verify the signed assertion, for the app to fetch (RFC 7517).

Public by nature, the same for everybody, and answered under any Host: the app may know us by another name than people do.
"""

import json

from aiohttp import web

from proxy.web.answers import Answer
from proxy.web.endpoint import PARTS

SECONDS = 300
"""A new key should be in every key file for longer than this before it signs."""


async def assertion_keys(request: web.Request) -> Answer:
    """200 with the set, the signing key first; 404 while no assertion is sent."""
    parts = request.app[PARTS]
    if parts.assertions is None:
        return _answer(404, {"error": "not_found"}, b"application/json", b"no-store")
    keys = list(parts.assertions.published(parts.clock()))
    return _answer(200, {"keys": keys}, b"application/jwk-set+json", b"public, max-age=%d" % SECONDS)


def _answer(status: int, body: object, kind: bytes, kept: bytes) -> Answer:
    headers = (
        (b"Content-Type", kind),
        (b"Cache-Control", kept),
        (b"X-Content-Type-Options", b"nosniff"),
    )
    return Answer(status=status, headers=headers, body=json.dumps(body).encode())
