"""What an answer of the userinfo endpoint means (OpenID Connect Core §5.3, RFC 6750 §3.1)."""

from proxy.oidc.claims import Lookup, Userinfo
from proxy.oidc.json_body import read_json_object


def read_userinfo(status: int, content_type: str | None, body: bytes, challenge: str) -> Userinfo:
    """The claims of a 200 with a JSON object. REFUSED when a 401 names the token invalid; everything else FAILED.

    A 401 without `invalid_token` may be anybody's (a gateway, a wrong audience) and says nothing about the person.
    A signed answer (`application/jwt`) is not read: we register for plain JSON.
    """
    document = read_json_object(body, content_type)
    if status == 200 and document is not None:
        return document
    if status == 401 and (
        'error="invalid_token"' in challenge or (document or {}).get("error") == "invalid_token"
    ):
        return Lookup.REFUSED
    return Lookup.FAILED
