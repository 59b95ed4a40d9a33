"""Who asks the demo IdP: a client's proof at its endpoints."""

import base64
import binascii
import hmac
from urllib.parse import unquote_plus

from aiohttp import web

from proxy.demo.idp_state import IdpState


def client_of(request: web.Request, form: dict[str, str]) -> tuple[str, str | None]:
    """The client's id and secret, from the Authorization header (RFC 6749 §2.3.1) or the form."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", None
    return unquote_plus(name), unquote_plus(secret)


def is_client(state: IdpState, client_id: str, secret: str | None) -> bool:
    expected = state.options.client_secret
    is_secret_right = (
        expected is None
        if secret is None
        else hmac.compare_digest(secret.encode(), (expected or "").encode())
    )
    return client_id == state.options.client_id and is_secret_right
