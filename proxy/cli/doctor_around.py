"""The doctor beside the gate: what the app answers to somebody who does not come through Muster.

Two things are tried from this machine, which may well reach the app's port: a page with a forged identity header, and the page
with the app's own password form. Both are GETs. The name that is forged is one that the app has already, so that no app makes
an account of it; an app may note its visit.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from proxy.app.upstreams import upstream_rules
from proxy.apps.preset import LoginProbe
from proxy.cli.doctor_finding import Finding, Findings, failed, ok, warning
from proxy.cli.doctor_http import Seen, Silent, from_here, get
from proxy.edge.upstream_tls import UpstreamTls
from proxy.settings.model import Settings
from proxy.settings.upstream import UNIX, Upstream

_CLOSE_PORT = (
    "let nobody but Muster reach that port: bind the app to loopback, or a NetworkPolicy or firewall rule"
)
_FORGED = "app: around Muster"
_FORM = "app: password login"
_NOT_KNOWN = "not tried: `upstream` is not set, so only the proxy in front knows the app's port; see that nobody else reaches it"


async def examine_around(
    settings: Settings, http: aiohttp.ClientSession, *, login: str | None, probe: LoginProbe | None
) -> Findings:
    """`login` is the name to forge; `probe` where the preset says that the app's own form is."""
    if settings.upstream is None:
        return [ok(_FORGED, _NOT_KNOWN), *(await _form(settings, http, probe))]
    return [
        await _forged(settings, settings.upstream, http, login, probe.page if probe else "/"),
        *(await _form(settings, http, probe)),
    ]


async def _forged(
    settings: Settings, upstream: Upstream, http: aiohttp.ClientSession, login: str | None, page: str
) -> Finding:
    url, header = upstream.url.rstrip("/"), settings.headers.user
    if url.startswith(UNIX):
        return ok(
            _FORGED, f"not tried: {url} is opened by users of this machine alone, those whom its mode lets in"
        )
    plain = await _direct(settings, upstream, http, page)
    if isinstance(plain, Silent):
        return failed(
            _FORGED, f"the app does not answer at {url}: {plain.detail}", "see upstream.url, and the app"
        )
    if login is None or not _is_sendable(login):
        seen = f"this machine reaches {url}; no name is known to try a forged {header} with"
        return warning(_FORGED, seen, _CLOSE_PORT)
    forged = await _direct(settings, upstream, http, page, {header: login})
    if isinstance(forged, Silent):
        return warning(
            _FORGED, f"{url} answered once, and then: {forged.detail}", "see whether the app is well"
        )
    return _judged(url + page, f"{header}: {login}", plain, forged, login)


def _judged(url: str, sent: str, plain: Seen, forged: Seen, login: str) -> Finding:
    """
    | without the header | with it                                  | then                              |
    |--------------------|------------------------------------------|-----------------------------------|
    | any                | not 200, and the same answer             | not believed                      |
    | not 200            | 200, or a redirect to elsewhere          | believed                          |
    | 200                | 200, and the name in the page only now   | believed                          |
    | 200                | 200 otherwise                            | not told; whoever comes is served |
    | any                | 5xx                                      | not told; the app is not well     |
    """
    if _is_believed(plain, forged, login):
        seen = f"whoever reaches {url} is anybody: “{sent}” was believed ({plain.status} without, {forged.status} with it)"
        return warning(_FORGED, seen, _CLOSE_PORT)
    if forged.status == 200:
        return warning(_FORGED, f"{url} answers this machine 200, with “{sent}” and without it", _CLOSE_PORT)
    if forged.status >= 500:
        return warning(_FORGED, f"{url} answers {forged.status} to “{sent}”", "see whether the app is well")
    return ok(_FORGED, f"{url} answers a forged header with {forged.status}, as it answers without one")


def _is_believed(plain: Seen, forged: Seen, login: str) -> bool:
    if plain.status == forged.status == 200:
        return login.encode() in forged.body and login.encode() not in plain.body
    if forged.status == 200:
        return True
    return 300 <= forged.status < 400 and forged.leads_to != plain.leads_to


def _is_sendable(login: str) -> bool:
    return login.isascii() and login.isprintable()


async def _direct(
    settings: Settings,
    upstream: Upstream,
    http: aiohttp.ClientSession,
    page: str,
    more: Mapping[str, str] | None = None,
) -> Seen | Silent:
    """The app's own answer, by the certificates that the edge would accept."""
    rules = upstream_rules(upstream)
    url, headers = upstream.url.rstrip("/") + page, {**_host(settings, upstream), **(more or {})}
    if rules.socket_path is not None:
        return Silent(detail="a Unix socket is not looked at")
    if rules.tls is None:
        return await get(http, url, headers=headers)
    used = UpstreamTls(rules.tls)
    context = used.context()
    if context is None:
        return Silent(detail=used.fault or "no TLS")
    return await get(http, url, headers=headers, tls=context, server_name=rules.tls.server_name)


def _host(settings: Settings, upstream: Upstream) -> Mapping[str, str]:
    """The Host that the app would see from us."""
    if upstream.host_header is not None:
        return {"Host": upstream.host_header}
    return {"Host": urlsplit(settings.public_url).netloc} if upstream.host == "keep" else {}


async def _form(settings: Settings, http: aiohttp.ClientSession, probe: LoginProbe | None) -> Findings:
    if probe is None:
        return [ok(_FORM, "not looked for: the preset names no `login_probe`")] if settings.app else []
    public, direct = settings.public_url.rstrip("/") + probe.path, _port_of(settings) + probe.path
    address, host = from_here(settings.public_url, probe.path)
    through, around = await asyncio.gather(
        get(http, address, headers=host), _around(settings, http, probe.path)
    )
    found: Findings = []
    if _has_form(through, probe):
        seen = f"a password form is served to anybody at {public}, through Muster"
        found.append(warning(_FORM, seen, f"take the path out of open_paths. {probe.close}".strip()))
    if _has_form(around, probe):
        seen = f"a password form is served at {direct}, to whoever reaches that port"
        found.append(warning(_FORM, seen, probe.close or _CLOSE_PORT))
    if not found and isinstance(around, Silent):
        found.append(warning(_FORM, f"could not be looked at: {direct}: {around.detail}"))
    return found or [ok(_FORM, _no_form(probe.path, around))]


def _port_of(settings: Settings) -> str:
    return "the app" if settings.upstream is None else settings.upstream.url.rstrip("/")


async def _around(settings: Settings, http: aiohttp.ClientSession, page: str) -> Seen | Silent | None:
    """None where only the proxy in front knows the app's port."""
    return None if settings.upstream is None else await _direct(settings, settings.upstream, http, page)


def _no_form(path: str, around: Seen | Silent | None) -> str:
    where = (
        "through Muster; the app's own port was not tried"
        if around is None
        else "neither through Muster nor at the app"
    )
    return f"no password form at {path}, {where}"


def _has_form(seen: Seen | Silent | None, probe: LoginProbe) -> bool:
    return isinstance(seen, Seen) and seen.status == 200 and probe.marker.encode() in seen.body
