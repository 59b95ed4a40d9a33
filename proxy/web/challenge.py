"""What a client must prove (RFC 9470 §3): the WWW-Authenticate of a session, or a token, that is good but not good enough."""

from typing import Final

from proxy.gate.decision import Request
from proxy.reasons import Reason
from proxy.session.step_up import Demand

_DESCRIPTION: Final = "A stronger or more recent sign-in is required"


def challenge(demand: Demand, request: Request | None) -> tuple[str, str]:
    """Under `Bearer` for a client that sent a bearer token, else under our own scheme, which no browser asks a password for.

    The settings let no quote or backslash into an `acr` value (`proxy/settings/paths.py`).
    """
    authorization = (request.header(b"authorization") if request is not None else None) or b""
    scheme = "Bearer" if authorization[:7].lower() == b"bearer " else "Muster"
    told = {
        "realm": "app",
        "error": Reason.INSUFFICIENT_AUTHENTICATION.value,
        "error_description": _DESCRIPTION,
        **demand.parameters(),
    }
    return ("WWW-Authenticate", f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in told.items()))
