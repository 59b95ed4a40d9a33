"""The doctor at forward-auth: whether the proxy in front asks about requests, is believed, and passes on what it is told.

Three GETs, none with a session, so that no app serves anything for them: one of a made-up page at the public address, where the
proxy should ask and the answer be Muster's refusal; one of the question's own path there, which nobody outside should reach; and
one question from this machine to the port that Muster listens on.
"""

import asyncio
import ipaddress
import json
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from proxy.app.rules import trust
from proxy.cli.doctor_finding import Finding, Findings, failed, ok, warning
from proxy.cli.doctor_http import Seen, Silent, from_here, get
from proxy.reasons import Reason
from proxy.settings.addresses import Address
from proxy.settings.model import Settings

_FRONT: Final = "forward-auth: the proxy in front"
_OUTSIDE: Final = "forward-auth: from outside"
_HERE: Final = "forward-auth: Muster"
_ASK: Final = "/_muster/auth"
_SCRIPT: Final = {"Accept": "application/json"}
_PAGE: Final = "docs/forward-auth.md"
_LET_IT_ASK: Final = f"have it ask at {_ASK} about every request but those under /_muster/ ({_PAGE})"

_ADVICE: Final = {
    Reason.UNTRUSTED_PROXY: (
        "it asks, and is not believed: it does not come from an address in trusted_proxies",
        "list the address that it asks from; the log of Muster names it (`forward_auth`)",
    ),
    Reason.PROXY_UNCLEAR: (
        "it asks, and does not say about what",
        "have it send X-Forwarded-Method and X-Forwarded-Uri with the question, each once, and the client's own fields",
    ),
    Reason.WRONG_HOST: (
        "it asks about another host than that of public_url",
        "have it send the Host that people type, as Host or X-Forwarded-Host",
    ),
    Reason.NO_UPSTREAM: (
        "it does not ask, but sends the app's requests to Muster itself",
        f"{_LET_IT_ASK}, and forward the request to the app",
    ),
    Reason.PROXY_DISAGREES: (
        "it asks for the page of a refusal where nothing was refused",
        f"have it ask at {_ASK}/nginx first, and at {_ASK}/refusal only in its error_page",
    ),
    Reason.BAD_REQUEST: (
        "it asks about something that is no request: a field is spelled oddly, or two say two things",
        f"have it send the client's request as it came ({_PAGE})",
    ),
}


async def examine_forward_auth(settings: Settings, http: aiohttp.ClientSession) -> Findings:
    """Nothing where it is not enabled."""
    if not settings.forward_auth.enabled:
        return []
    if _is_all_open(settings):
        return [ok(_FRONT, "not tried: every path is open, so nobody is refused")]
    page = f"/muster-doctor-{secrets.token_hex(8)}"
    return list(
        await asyncio.gather(
            _front(settings, page, http), _outside(settings, page, http), _here(settings, page, http)
        )
    )


async def _front(settings: Settings, page: str, http: aiohttp.ClientSession) -> Finding:
    address, host = from_here(settings.public_url, page)
    return front_finding(
        settings.public_url.rstrip("/"), await get(http, address, headers={**_SCRIPT, **host})
    )


def front_finding(url: str, seen: Seen | Silent) -> Finding:
    """What a proxy's answer to somebody without a session means.

    | it answers | then it |
    |---|---|
    | 401 with Muster's own words | asks, is believed, and passes the refusal on |
    | anything with other words of Muster's | is told why not (the table above) |
    | 401, 403 of its own | asks, and keeps the refusal to itself |
    | 5xx | cannot ask |
    | anything else | does not ask: this is the app |
    """
    if isinstance(seen, Silent):
        return warning(_FRONT, f"{url}: {seen.detail}", "see `public address`")
    reason = reason_in(seen)
    if reason is Reason.NOT_SIGNED_IN and seen.status == 401:
        return ok(_FRONT, f"{url} asks Muster, and passes on what it is told")
    if reason is not None:
        why, advice = _ADVICE.get(reason, (f"it asks, and is told {reason.value}", "see docs/operations.md"))
        return failed(_FRONT, f"{url}: {why}", advice)
    if seen.status in (401, 403):
        advice = f"nginx: error_page to {_ASK}/refusal; others pass the answer on by themselves ({_PAGE})"
        return warning(
            _FRONT, f"{url} refuses with a page of its own ({seen.status}): people cannot sign in", advice
        )
    if seen.status >= 500:
        return failed(
            _FRONT, f"{url} answers {seen.status}", "see that the proxy reaches Muster, and its log"
        )
    advice = f"strangers are served: {_LET_IT_ASK}"
    return failed(_FRONT, f"{url} answers {seen.status} without having asked Muster", advice)


async def _outside(settings: Settings, page: str, http: aiohttp.ClientSession) -> Finding:
    address, host = from_here(settings.public_url, _ASK)
    seen = await get(http, address, headers={**_question(settings, page), **host})
    url = settings.public_url.rstrip("/") + _ASK
    if isinstance(seen, Silent):
        return warning(_OUTSIDE, f"{url}: {seen.detail}", "see `public address`")
    if reason_in(seen) in (Reason.NOT_SIGNED_IN, Reason.PROXY_UNCLEAR):
        advice = f"have it send /_muster/* to Muster, but not {_ASK}*"
        return warning(_OUTSIDE, f"{url}: the proxy hands strangers' questions on to Muster", advice)
    return ok(_OUTSIDE, f"{url} answers no question of a stranger ({seen.status})")


async def _here(settings: Settings, page: str, http: aiohttp.ClientSession) -> Finding:
    if settings.proxy_protocol:
        return ok(_HERE, "not tried: connections to it begin with a PROXY header")
    address = next((door for door in settings.listen if isinstance(door, Address) and door.port), None)
    if address is None:
        return ok(_HERE, "not tried: it listens on no port that the configuration names")
    host, public = _reachable(address.host), urlsplit(settings.public_url)
    scheme, name = ("http", None) if settings.tls is None else ("https", public.hostname)
    url = f"{scheme}://{Address(host=host, port=address.port)}{_ASK}"
    seen = await get(http, url, headers=_question(settings, page), server_name=name)
    return here_finding(f"Muster at {address}", seen, is_believed=trust(settings).believes(host))


def here_finding(name: str, seen: Seen | Silent, *, is_believed: bool) -> Finding:
    """What Muster says to this machine's question. `is_believed`: by the configuration that was read."""
    if isinstance(seen, Silent):
        return warning(_HERE, f"{name}: {seen.detail}", "see that muster serve runs here, or run this there")
    reason = reason_in(seen)
    if reason is Reason.NOT_SIGNED_IN:
        return ok(_HERE, f"{name} answers the questions of this machine")
    if reason is Reason.UNTRUSTED_PROXY and not is_believed:
        return ok(_HERE, f"{name} refuses the questions of this machine, which is not in trusted_proxies")
    advice = "restart it: it may run by an earlier configuration"
    what = f"{seen.status} {reason.value}" if reason else str(seen.status)
    return failed(_HERE, f"{name} does not answer questions as configured ({what})", advice)


def reason_in(seen: Seen) -> Reason | None:
    """Muster's own word in an answer to a script; None where the answer is somebody else's."""
    try:
        document = json.loads(seen.body)
        return Reason(document["error"]) if isinstance(document, dict) else None
    except (ValueError, KeyError, TypeError):
        return None


def _question(settings: Settings, page: str) -> Mapping[str, str]:
    told = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": page}
    return {**_SCRIPT, **told, "X-Forwarded-Host": urlsplit(settings.public_url).netloc}


def _is_all_open(settings: Settings) -> bool:
    rules = [rule.identity for rule in settings.paths if rule.path == "/*" and not rule.methods]
    return "/*" in settings.open_paths or rules[:1] == ["optional"]


def _reachable(host: str) -> str:
    """Where a listener on every interface is reached from here."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "::1" if address.version == 6 else "127.0.0.1"
