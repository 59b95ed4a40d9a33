"""Against forged requests: a form's token is bound to the session, and the request must come from our own pages.

The token is HMAC-SHA-256 over the session's key under each key of the ring: no state, good as long as the session.
"""

import hashlib
import hmac

from proxy.session.codec import KeyRing, SealingKey
from proxy.session.model import SessionKey

FIELD = "form_token"
_LABEL = b"muster form token\x00"


def form_token(ring: KeyRing, session: SessionKey) -> str:
    """The token for this session's forms."""
    return _token(ring.keys[0], session)


def is_form_token(ring: KeyRing, session: SessionKey, token: str) -> bool:
    """Whether any key of the ring made it; each is compared in constant time."""
    given = token.encode("utf-8", "replace")
    return any(hmac.compare_digest(_token(key, session).encode(), given) for key in ring.keys)


def is_own_request(origin: str | None, fetch_site: str | None, public_url: str) -> bool:
    """Whether a state-changing request comes from a page of ours (Fetch Metadata; Origin, RFC 6454 §7).

    A browser that sends neither field is judged by the token alone.
    """
    if fetch_site is not None and fetch_site.strip().lower() not in {"same-origin", "none"}:
        return False
    return origin is None or origin.strip().lower() == public_url.lower()


def _token(key: SealingKey, session: SessionKey) -> str:
    derived = hmac.new(key.secret, _LABEL, hashlib.sha256).digest()
    return hmac.new(derived, session.encode(), hashlib.sha256).hexdigest()
