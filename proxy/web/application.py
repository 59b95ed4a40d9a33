"""The control plane's aiohttp application: which page is where. One file a page.

    /_muster/sign-in      sign_in.py     start, or choose an IdP
    /_muster/callback     callback.py    come back from the IdP; `/callback/IDP` where it has one of its own
    /_muster/sign-out     sign_out.py    ask (GET), do (POST)
    /_muster/signed-out   sign_out.py
    /_muster/profile      profile.py     and `/profile/refresh` (POST): ask the IdP now
    /_muster/sessions/end devices.py     end other sessions of one's own (POST)
    /_muster/backchannel-logout  backchannel_logout.py  the IdP says so (POST)
    /_muster/frontchannel-logout frontchannel_logout.py the same in a frame, where it is allowed
    /_muster/client-jwks/IDP     client_keys.py         our public key, for this IdP to fetch
    /_muster/jwks.json    assertion_keys.py      public keys of the signed assertion, for the app to fetch
    /_muster/livez readyz health.py
    /_muster/static/      the one stylesheet

Requests come from the edge over a socket pair, one exchange each; `X-Muster-Peer` names the client.
"""

from pathlib import Path

from aiohttp import web

from proxy.reasons import Reason
from proxy.web.answers import Answer
from proxy.web.assertion_keys import assertion_keys
from proxy.web.backchannel_logout import backchannel_logout
from proxy.web.callback import callback
from proxy.web.client_keys import client_keys
from proxy.web.devices import end_sessions
from proxy.web.endpoint import PAGES, PARTS, Handler, endpoint
from proxy.web.frontchannel_logout import frontchannel_logout
from proxy.web.health import livez, readyz
from proxy.web.parts import CALLBACK, OWN, WebParts
from proxy.web.profile import profile, refresh
from proxy.web.render import Pages
from proxy.web.sign_in import sign_in
from proxy.web.sign_out import sign_out, sign_out_page, signed_out
from proxy.web.wording import wording_of

BODY_BYTES = 64 * 1024
"""The largest form of ours is a few hundred bytes."""

STYLE_SECONDS = 3600

_GET: dict[str, Handler] = {
    "sign-in": sign_in,
    "callback": callback,
    "sign-out": sign_out_page,
    "signed-out": signed_out,
    "frontchannel-logout": frontchannel_logout,
    "profile": profile,
    "jwks.json": assertion_keys,
    "livez": livez,
    "readyz": readyz,
}

_POST: dict[str, Handler] = {
    "sign-out": sign_out,
    "backchannel-logout": backchannel_logout,
    "profile/refresh": refresh,
    "sessions/end": end_sessions,
}


def make_application(parts: WebParts) -> web.Application:
    """The application; serve it with `aiohttp.web.AppRunner(application, access_log=None)` behind the edge."""
    application = web.Application(client_max_size=BODY_BYTES)
    application[PARTS] = parts
    application[PAGES] = Pages(parts.site)
    for name, handler in _GET.items():
        application.router.add_get(f"{OWN}/{name}", endpoint(handler))
    application.router.add_get(f"{CALLBACK}/{{idp}}", endpoint(callback))
    application.router.add_get(f"{OWN}/client-jwks/{{idp}}", endpoint(client_keys))
    for name, handler in _POST.items():
        application.router.add_post(f"{OWN}/{name}", endpoint(handler))
    application.router.add_get(f"{OWN}/static/muster.css", endpoint(_Style()))
    application.router.add_route("*", "/{rest:.*}", endpoint(not_found))
    return application


async def not_found(request: web.Request) -> Answer:
    return request.app[PAGES].notice(wording_of(Reason.NO_MATCH, 404), status=404, code="no_such_page")


class _Style:
    """The stylesheet, read once."""

    def __init__(self) -> None:
        self._body = (Path(__file__).parent / "static" / "muster.css").read_bytes()

    async def __call__(self, _: web.Request) -> Answer:
        fields = (
            (b"Content-Type", b"text/css; charset=utf-8"),
            (b"Cache-Control", f"public, max-age={STYLE_SECONDS}".encode()),
            (b"X-Content-Type-Options", b"nosniff"),
        )
        return Answer(status=200, headers=fields, body=self._body)
