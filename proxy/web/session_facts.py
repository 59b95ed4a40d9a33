"""What an operator may see of a session: no token, and not the whole key. The same words for the command and the admin API."""

from typing import Any, Final

from proxy.identity import NOT_STATED
from proxy.session.model import AccountRefused, Pending, Ready, Session
from proxy.web.browser_words import browser_words

SHOWN_DIGITS: Final = 16
"""Of the key's 64; enough to name a session, and not the whole of what the store knows it by."""


def account_word(session: Session) -> str:
    """The account's state as an operator reads it."""
    match session.account:
        case Ready(login=login):
            return login
        case Pending(reason=reason):
            return f"pending ({reason})"
        case AccountRefused(reason=reason):
            return f"refused ({reason})"


def in_short(one: Session) -> dict[str, Any]:
    """One line of a list; times in seconds since the epoch."""
    return {
        "session": one.key[:SHOWN_DIGITS],
        "issuer": one.subject.issuer,
        "subject": one.subject.subject,
        "idp": one.idp,
        "email": one.identity.email,
        "account": account_word(one),
        "created_at": one.created_at,
        "last_seen_at": one.last_seen_at,
        "due_at": one.due_at,
    }


def in_full(one: Session) -> dict[str, Any]:
    """Everything."""
    return {
        **in_short(one),
        "groups": None if one.identity.groups is NOT_STATED else sorted(one.identity.groups),
        "peer": one.device.peer,
        "browser": browser_words(one.device.user_agent),
        "user_agent": one.device.user_agent,
        "sid": one.idp_session,
        "acr": one.authentication.acr,
        "amr": list(one.authentication.amr),
        "authenticated_at": one.authentication.at,
        "refreshed_at": one.refreshed_at,
        "trouble": one.trouble.value if one.trouble else None,
        "has_refresh_token": one.tokens.refresh_token is not None,
    }
