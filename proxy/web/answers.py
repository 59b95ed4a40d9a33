"""An answer of ours: status, headers, body. The edge has an equal record (`edge/ports.py`); neither room imports the other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from proxy.reasons import Reason

Fields = tuple[tuple[bytes, bytes], ...]

NO_STORE: Final = (b"Cache-Control", b"no-store")
CHALLENGE: Final = ("WWW-Authenticate", 'Muster realm="app"')
"""Goes with every 401 (RFC 9110 §15.5.2); a scheme that no browser asks a password for."""

VARY: Final = ("Vary", "Cookie, Accept, Origin, Sec-Fetch-Mode, X-Requested-With")
"""What our answers in the app's place depend on, for caches that keep what they should not."""
BEARER_CHALLENGES: Final[Mapping[Reason, tuple[str, str]]] = {
    reason: ("WWW-Authenticate", f'Bearer realm="app", error="{error}"')
    for reason, error in (
        (Reason.BEARER_MALFORMED, "invalid_request"),
        (Reason.BEARER_INVALID, "invalid_token"),
        (Reason.INSUFFICIENT_SCOPE, "insufficient_scope"),
    )
}
"""Go with a refused token (RFC 6750 §3): what the client's library reads."""

_ALWAYS: Final[Fields] = (
    (b"X-Content-Type-Options", b"nosniff"),
    # `no-referrer` would make browsers send `Origin: null` with our own forms (Fetch §3.2).
    (b"Referrer-Policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client gets. Whoever writes it out adds Content-Length, Date and Connection."""

    status: int
    headers: Fields = ()
    body: bytes = b""

    def with_headers(self, *fields: tuple[str, str]) -> "Answer":
        """The same with more header fields; a second field of one name is another field (Set-Cookie)."""
        added = tuple((name.encode("ascii"), value.encode("ascii")) for name, value in fields)
        return Answer(status=self.status, headers=self.headers + added, body=self.body)

    def header(self, name: str) -> str | None:
        """The first value of a field, by its name in any case."""
        wanted = name.lower().encode()
        return next((value.decode() for own, value in self.headers if own.lower() == wanted), None)


def page_answer(status: int, html: str, *, form_targets: tuple[str, ...] = ()) -> Answer:
    """An HTML page. `form_targets` are origins that a form's answer may redirect to, besides ourselves."""
    headers = (
        (b"Content-Type", b"text/html; charset=utf-8"),
        NO_STORE,
        (b"Content-Security-Policy", content_policy(form_targets).encode("ascii")),
        (b"X-Frame-Options", b"DENY"),
        (b"Cross-Origin-Opener-Policy", b"same-origin"),
        *_ALWAYS,
    )
    return Answer(status=status, headers=headers, body=html.encode())


def frame_answer(status: int, text: str, ancestors: tuple[str, ...]) -> Answer:
    """A word for a frame on a page of one of these origins, and of no other. It is never kept."""
    allowed = " ".join(ancestors) or "'none'"
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {allowed}"
    headers = (
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Cache-Control", b"no-cache, no-store"),
        (b"Pragma", b"no-cache"),
        (b"Content-Security-Policy", policy.encode("ascii")),
        *_ALWAYS,
    )
    return Answer(status=status, headers=headers, body=text.encode())


def content_policy(form_targets: tuple[str, ...] = ()) -> str:
    """No script at all, no inline style. Chromium holds a form's redirects to `form-action` too."""
    actions = " ".join(("'self'", *form_targets))
    return (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {actions}"
    )


def json_answer(status: int, document: Mapping[str, Any]) -> Answer:
    headers = ((b"Content-Type", b"application/json"), NO_STORE, *_ALWAYS)
    return Answer(status=status, headers=headers, body=json.dumps(document).encode() + b"\n")


def text_answer(status: int, text: str, *, content_type: str = "text/plain; charset=utf-8") -> Answer:
    headers = ((b"Content-Type", content_type.encode()), NO_STORE, *_ALWAYS)
    return Answer(status=status, headers=headers, body=text.encode())


def redirect(location: str) -> Answer:
    """303: whatever the method was, the next one is GET (RFC 9110 §15.4.4)."""
    return Answer(status=303, headers=((b"Location", location.encode("ascii")), NO_STORE, *_ALWAYS))
