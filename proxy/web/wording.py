"""What people read when something is not as usual: what it is, why, and what to do. One table, by reason.

Three rules hold for every line: it never tells somebody to sign in again for a fault that is not theirs, it shows no
error of ours or of a partner, and it ends in something a person can do.
"""

from dataclasses import dataclass
from typing import Final

from proxy.reasons import Reason

RETRY: Final = "retry"
HOME: Final = "home"
OTHER_ACCOUNT: Final = "other_account"
SIGN_IN_APART: Final = "sign_in_apart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A page's text. `offers` are the links or buttons below it, in order. `is_waiting`: the page asks again by itself."""

    title: str
    why: str
    todo: str
    offers: tuple[str, ...] = ()
    is_waiting: bool = False


_ASK = "If you should have access, ask the person who looks after this app."
_OTHER = "You may also have another account that has access."


def _refused(title: str, why: str, todo: str = f"{_ASK} {_OTHER}") -> Wording:
    return Wording(title=title, why=why, todo=todo, offers=(OTHER_ACCOUNT,))


def _token(why: str) -> Wording:
    return Wording(
        title="No access with this token", why=why, todo="Get a new token from your identity provider."
    )


def _away(title: str, why: str, todo: str = "Nothing is lost. Try again in a moment.") -> Wording:
    return Wording(title=title, why=why, todo=todo, offers=(RETRY,))


_REQUEST = Wording(
    title="This request cannot be answered",
    why="The address or the request is not well formed.",
    todo="Check the address, or start from the first page.",
    offers=(HOME,),
)

SEND_AGAIN: Final = Wording(
    title="Sign in, then send it again",
    why="You are not signed in, or not any more. What you sent was not handed to the app and is not kept here.",
    todo="Sign in: that opens a new tab. Then come back to this one and reload it; "
    "your browser asks whether to send the same again.",
    offers=(SIGN_IN_APART,),
)

PROVE_AND_SEND_AGAIN: Final = Wording(
    title="Confirm that it is you, then send it again",
    why="This part of the app needs a stronger or more recent sign-in. "
    "What you sent was not handed to the app and is not kept here.",
    todo="Sign in: that opens a new tab. Then come back to this one and reload it; "
    "your browser asks whether to send the same again.",
    offers=(SIGN_IN_APART,),
)

WORDINGS: Final[dict[Reason, Wording]] = {
    # being set up
    Reason.BEING_SET_UP: Wording(
        title="Your account is being set up",
        why="You are signed in. The app is making your account ready; that usually takes a few seconds.",
        todo="This page looks again by itself. You need not do anything.",
        offers=(RETRY,),
        is_waiting=True,
    ),
    Reason.APP_TROUBLE: Wording(
        title="Your account is being set up",
        why="You are signed in, but the app does not answer at the moment, so your account is not ready yet.",
        todo="This page looks again by itself. You need not do anything.",
        offers=(RETRY,),
        is_waiting=True,
    ),
    Reason.CREATION_LIMIT: Wording(
        title="Your account is being set up",
        why="You are signed in. Unusually many new accounts are being made just now, so yours has to wait its turn.",
        todo="This page looks again by itself. If it takes more than an hour, tell the person who looks after this app.",
        offers=(RETRY,),
        is_waiting=True,
    ),
    # refused
    Reason.DENY_LISTED: _refused("No access", "An administrator has taken this account off the list."),
    Reason.DOMAIN_NOT_ALLOWED: _refused(
        "No access with this address", "Your e-mail address is not in a domain that may join this app."
    ),
    Reason.EMAIL_MISSING: _refused(
        "No access without an e-mail address",
        "Your identity provider did not tell us an e-mail address, and this app needs one.",
    ),
    Reason.USERNAME_MISSING: _refused(
        "No access without a user name",
        "Your identity provider did not tell us a user name, and this app needs one.",
    ),
    Reason.EMAIL_NOT_VERIFIED: _refused(
        "Your e-mail address is not confirmed",
        "Your identity provider says that your e-mail address has not been confirmed yet.",
        "Confirm the address at your identity provider, then try again.",
    ),
    Reason.NOT_INVITED: _refused(
        "No account here", "You have no account in this app, and accounts are not made by themselves."
    ),
    Reason.NO_SEAT: _refused(
        "No seat left",
        "You may join this app, but all its seats are taken.",
        "Ask the person who looks after this app for a seat. Nothing was set up by halves; you can simply come back.",
    ),
    Reason.LOGIN_TAKEN: _refused(
        "Your name is taken", "Somebody else's account in this app already has the name that yours would get."
    ),
    Reason.PROTECTED_ACCOUNT: _refused(
        "This account is protected",
        "The account with your address is an administrator's and is never connected by itself.",
    ),
    Reason.BOUND_TO_ANOTHER: _refused(
        "This account belongs to another sign-in",
        "The account with your address is connected to somebody else's sign-in already.",
    ),
    Reason.PROVISIONING_OFF: _refused(
        "New accounts are switched off", "An administrator has paused the making of new accounts."
    ),
    Reason.IDP_DENIED: _refused("No access", "Your identity provider says that you may not use this app."),
    Reason.SIGN_IN_LOOP: Wording(
        title="Your sign-in goes in circles",
        why="We asked your identity provider several times, and each time the answer was out of date at once. "
        "That is not your fault.",
        todo="Try again. If it happens again, tell the person who looks after this app.",
        offers=(RETRY,),
    ),
    Reason.IDP_NOT_ALLOWED: Wording(
        title="Sign in elsewhere",
        why="Nobody signs in to this app with that identity provider any more.",
        todo="Sign in with the one that this app uses now. Without an account there, ask the person who looks after this app.",
        offers=(RETRY,),
    ),
    Reason.APP_REFUSED: _refused(
        "The app did not accept your account", "The app refused to set your account up."
    ),
    Reason.APP_UNPROVED: _refused(
        "The app did not accept your account", "The app refused to set your account up."
    ),
    Reason.ACCOUNT_GONE: _refused("Your account is gone", "The app says that your account no longer exists."),
    Reason.BEARER_MALFORMED: _token("The request shows no bearer token that can be read, or two of them."),
    Reason.BEARER_INVALID: _token("The bearer token is not valid here, or not any more."),
    Reason.INSUFFICIENT_SCOPE: _token("The bearer token lacks a scope that is needed here."),
    # away
    Reason.STORE_UNAVAILABLE: _away(
        "Just a moment",
        "The place where sign-ins are kept does not answer right now. That is not your fault.",
    ),
    Reason.NO_UPSTREAM: Wording(
        title="The app is not here",
        why="This address only looks after signing in. The app is reached through another server.",
        todo="Use the address that you were given for this app. If this is it, tell the person who looks after it: the server in "
        "front sends here what belongs to the app.",
    ),
    Reason.UPSTREAM_UNAVAILABLE: _away(
        "The app does not answer", "The app behind this page cannot be reached right now."
    ),
    Reason.UPSTREAM_TIMEOUT: _away(
        "The app takes too long", "The app behind this page did not answer in time."
    ),
    Reason.BAD_UPSTREAM_ANSWER: _away(
        "The app gave no proper answer",
        "The app behind this page answered in a way that cannot be passed on.",
    ),
    Reason.UPSTREAM_NOT_TRUSTED: _away(
        "The app cannot be recognised",
        "What answers in the app's place does not prove to be it, so nothing of yours was sent there.",
        "Tell the person who looks after this app. Nothing is lost.",
    ),
    Reason.IDP_TROUBLE: _away(
        "The identity provider does not answer",
        "The service that knows who you are cannot be reached right now.",
    ),
    Reason.GRACE_OVER: _away(
        "The identity provider does not answer",
        "The service that knows who you are has been away for so long that we must wait for it. You are still signed in.",
    ),
    Reason.IDP_MISCONFIGURED: _away(
        "Signing in is out of order",
        "The identity provider does not accept this site. That is not your fault.",
        "Tell the person who looks after this app. Nothing is lost.",
    ),
    Reason.PROXY_DISAGREES: _away(
        "Just a moment", "Your sign-in was being looked at. Nothing was handed to the app."
    ),
    Reason.SHUTTING_DOWN: _away("Just a moment", "This service is restarting."),
    # requests
    Reason.BAD_REQUEST: _REQUEST,
    Reason.AMBIGUOUS_PATH: Wording(
        title="This address cannot be answered",
        why="The address is written so that it could mean two different parts of the app.",
        todo="Check the address, or start from the first page.",
        offers=(HOME,),
    ),
    Reason.REQUEST_LOOP: Wording(
        title="Going round in circles",
        why="This request has come back to where it was before.",
        todo="Tell the person who looks after this app: it sends requests on to itself.",
    ),
    Reason.WRONG_HOST: Wording(
        title="Wrong address",
        why="This service does not answer under the name that was used.",
        todo="Use the address that you were given for this app.",
    ),
    Reason.PATH_NOT_ALLOWED: _refused(
        "No access to this part", "You are signed in, but this part of the app is for certain groups only."
    ),
    Reason.NOT_STATED: _refused(
        "No access to this part",
        "This part of the app is for certain groups only, and your identity provider did not say which you are in.",
    ),
    Reason.WRONG_ORIGIN: Wording(
        title="Not from this page",
        why="A page of another site tried to open a connection to this app in your name.",
        todo="Use the app from its own address.",
    ),
    Reason.UNTRUSTED_PROXY: Wording(
        title="This site is not set up yet",
        why="The server in front of this app asked whether you may enter, and is not on the list of those who may ask.",
        todo="Tell the person who looks after this app: its address belongs in trusted_proxies.",
    ),
    Reason.PROXY_UNCLEAR: Wording(
        title="This site is not set up yet",
        why="The server in front of this app did not say, or not clearly, what you asked for.",
        todo="Tell the person who looks after this app: the log of Muster says more.",
    ),
    Reason.GROUPS_TOO_LARGE: _refused(
        "You are in too many groups",
        "The list of your groups is too long to be handed to the app, and it is never shortened silently.",
        "Tell the person who looks after this app: the list of groups to send can be narrowed.",
    ),
    Reason.LOGIN_NOT_SENDABLE: _refused(
        "Your login cannot be handed to the app",
        "It has letters or signs that cannot be sent to the app unchanged, and under another spelling you could be taken for "
        "somebody else.",
        "Tell the person who looks after this app: a login of plain letters and digits mends it, or headers.user_encoding: utf-8 "
        "where the app reads that.",
    ),
    Reason.INTERNAL_ERROR: Wording(
        title="Something went wrong here",
        why="This is our fault, not yours.",
        todo="Try again. If it happens again, give the number below to the person who looks after this app.",
        offers=(RETRY,),
    ),
}

_BY_STATUS: Final[dict[int, Wording]] = {
    404: Wording(
        title="There is no such page",
        why="Nothing of ours is at this address.",
        todo="Start from the first page.",
        offers=(HOME,),
    ),
    403: _refused("No access", "You may not use this app."),
}

_TOO_LONG: Final = Wording(
    title="More than this site takes",
    why="The address, or what your browser sends along with it, is longer than this site takes.",
    todo="Start from the first page; if that does not help, delete this site's cookies in your browser.",
    offers=(HOME,),
)

_BAD_REQUESTS: Final[dict[int, Wording]] = {
    408: Wording(
        title="That took too long",
        why="Your request did not arrive in time, or came too slowly.",
        todo="Check your connection, then try again.",
        offers=(RETRY,),
    ),
    413: Wording(
        title="More than this site takes",
        why="What you sent is larger than this site takes. It was not handed to the app.",
        todo="Go back and send less at once, or ask the person who looks after this app: the limit can be raised.",
    ),
    414: _TOO_LONG,
    431: _TOO_LONG,
    501: Wording(
        title="This request cannot be answered",
        why="The method of the request is not one that this site passes on.",
        todo="Ask the person who looks after this app what it can be asked by.",
    ),
}
"""What is wrong with a request, where its status says more than that it is bad."""


def wording_of(reason: Reason, status: int) -> Wording:
    """The text for a reason; one that has none of its own speaks by its status, and a bad request by both."""
    if reason is Reason.BAD_REQUEST and status in _BAD_REQUESTS:
        return _BAD_REQUESTS[status]
    found = WORDINGS.get(reason) or _BY_STATUS.get(status)
    if found is not None:
        return found
    return _REQUEST if status < 500 else _away("Just a moment", "This page cannot be shown right now.")
