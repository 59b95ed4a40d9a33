"""A listener's neighbours that send everybody to the public address, and do nothing else.

No session is looked up, no cookie read or set, nothing forwarded. The target is the origin that the operator wrote and then the
request's own path and query: it cannot lead elsewhere.
"""

from proxy.edge.ports import Answer
from proxy.gate.decision import Deny, Kind, Request, SignIn, Verdict
from proxy.reasons import Reason

_MOVED = Deny(status=308, reason=Reason.PATH_NOT_ALLOWED, kind=Kind.SCRIPT)
_PLAIN = (b"Content-Type", b"text/plain; charset=utf-8")


class Elsewhere:
    """The gate of that listener: nobody passes."""

    def decide_now(self, request: Request) -> Verdict | None:
        """The same for all."""
        return _MOVED

    async def decide(self, request: Request) -> Verdict:
        """The same for all."""
        return _MOVED


class Redirects:
    """Its answers: 308 (RFC 9110 §15.4.9) to the same path and query; a word for what is no request."""

    def __init__(self, public_url: str) -> None:
        self._origin = public_url.rstrip("/").encode("ascii")

    def answer(self, verdict: SignIn | Deny, request: Request | None, incident: str | None = None) -> Answer:
        """What was sent in clear is not kept by anybody on the way (RFC 9111)."""
        if request is None or verdict is not _MOVED:
            status = verdict.status if isinstance(verdict, Deny) else 400
            return Answer(status=status, headers=(_PLAIN,), body=b"bad request\n")
        target = request.target if request.target.startswith(b"/") else b"/"
        return Answer(
            status=308,
            headers=((b"Location", self._origin + target), _PLAIN, (b"Cache-Control", b"no-store")),
            body=b"https only\n",
        )
