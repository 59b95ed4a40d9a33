"""`GET /_muster/client-jwks/IDP`: the public key that we prove ourselves to this IdP with, for the IdP to fetch (`jwks_uri`).

Public by nature. One page an IdP: an IdP that reads a set of one key need not guess which one an assertion without `kid` means.
"""

import json

from aiohttp import web

from proxy.identity import IdpId
from proxy.web.answers import Answer
from proxy.web.endpoint import PARTS

SECONDS = 60
"""An IdP that keeps the set asks again after a rotation; it should not wait long."""


async def client_keys(request: web.Request) -> Answer:
    """200 with a set of one key, of none while our key cannot be had; 404 for an IdP that we send no assertion to."""
    flow = request.app[PARTS].flows.get(IdpId(request.match_info["idp"]))
    published = flow.client_keys() if flow is not None else None
    body = {"error": "not_found"} if published is None else {"keys": list(published)}
    headers = (
        (b"Content-Type", b"application/json" if published is None else b"application/jwk-set+json"),
        (b"Cache-Control", b"no-store" if published is None else b"public, max-age=%d" % SECONDS),
        (b"X-Content-Type-Options", b"nosniff"),
    )
    return Answer(status=404 if published is None else 200, headers=headers, body=json.dumps(body).encode())
