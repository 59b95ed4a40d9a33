"""Mistakes that no single value shows: settings that contradict or miss each other. A pure look at `Settings`."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from proxy.settings.addresses import everybody, is_loopback
from proxy.settings.bearer_checks import bearer_mistakes
from proxy.settings.client_checks import client_mistakes
from proxy.settings.document import Loc
from proxy.settings.listening_checks import listening_mistakes
from proxy.settings.model import Settings
from proxy.settings.store_checks import store_mistakes
from proxy.settings.upstream_checks import upstream_mistakes

Found: TypeAlias = Iterator[tuple[Loc, str]]
"""Where, and a sentence."""


def mistakes(settings: Settings) -> Found:
    """Every contradiction; a configuration with one is not served."""
    for check in _CHECKS:
        yield from check(settings)


def _plain_http(settings: Settings) -> Found:
    if settings.insecure_http:
        return
    public = urlsplit(settings.public_url)
    if public.scheme == "http" and not is_loopback(public.hostname or ""):
        yield (
            ("public_url",),
            "plain http beyond loopback shows everybody's cookies to the network: use https, or write insecure_http: true",
        )
    for index, idp in enumerate(settings.idps):
        issuer = urlsplit(idp.issuer)
        if issuer.scheme == "http" and not is_loopback(issuer.hostname or ""):
            yield (
                ("idps", index, "issuer"),
                "an issuer on plain http can be forged on the way: use https, or write insecure_http: true",
            )


def _proxies(settings: Settings) -> Found:
    if not settings.trust_every_proxy:
        for index in everybody(settings.trusted_proxies):
            yield (
                ("trusted_proxies", index),
                "then anybody may claim any address: list the proxies, or write trust_every_proxy: true as well",
            )
    if settings.forward_auth.enabled and not settings.trusted_proxies:
        yield ("forward_auth", "enabled"), "who may ask? list the proxies that do in trusted_proxies"
    if settings.proxy_protocol and not settings.trusted_proxies:
        yield ("proxy_protocol",), "whose header is believed? list the load balancers in trusted_proxies"


def _admin(settings: Settings) -> Found:
    if settings.admin_token is not None and settings.ops_listen is None:
        yield ("admin_token",), "the admin API is served at ops_listen, which is not set"


def _idps(settings: Settings) -> Found:
    for name in ("id", "issuer"):
        yield from (
            (("idps", index, name), f"another IdP has the {name} {value!r} already")
            for index, value in _again(getattr(idp, name) for idp in settings.idps)
        )
    for index, idp in enumerate(settings.idps):
        yield from ((("idps", index, name), message) for name, message in client_mistakes(idp))


def _choosing(settings: Settings) -> Found:
    known = {idp.id for idp in settings.idps}
    if settings.sign_in.enforce is not None and settings.sign_in.enforce not in known:
        yield ("sign_in", "enforce"), f"there is no IdP with the id {settings.sign_in.enforce!r}"
    yield from _other_tokens(settings, settings.sign_in.enforce)
    listed = [(index, domain) for index, idp in enumerate(settings.idps) for domain in idp.domains]
    for place, domain in _again(domain for _, domain in listed):
        yield ("idps", listed[place][0], "domains"), f"{domain} stands here twice: one address, one IdP"


def _other_tokens(settings: Settings, enforced: str | None) -> Found:
    """A token of an IdP that nobody may sign in with would be a way around the one that is enforced."""
    for index, bearer in enumerate(settings.bearer):
        if enforced is not None and bearer.idp not in (None, enforced):
            yield (
                ("bearer", index, "idp"),
                f"sign_in.enforce lets only {enforced} in: take this entry out as long",
            )


def _directories(settings: Settings) -> Found:
    for index, idp in enumerate(settings.idps):
        if idp.directory is None:
            continue
        place: Loc = ("idps", index, "directory")
        yield from (((*place, name), message) for name, message in idp.directory.mistakes(idp.issuer))
        is_own = idp.directory.kind in ("keycloak", "entra") and idp.directory.client_id is None
        if is_own and idp.client_secret is None:
            yield (
                (*place, "client_id"),
                "this IdP's client has no secret: name a client with one that may read the directory",
            )
        for name in ("url", "token_url"):
            yield from _plain_directory(settings, (*place, name), getattr(idp.directory, name))


def _plain_directory(settings: Settings, loc: Loc, url: str | None) -> Found:
    parts = urlsplit(url or "")
    if parts.scheme == "http" and not settings.insecure_http and not is_loopback(parts.hostname or ""):
        yield (
            loc,
            "a directory on plain http shows its token to the network: use https, or write insecure_http: true",
        )


def _links(settings: Settings) -> Found:
    known = {idp.id for idp in settings.idps} | {one.name for one in settings.bearer}
    for index, name in _again(link.app for link in settings.groups.links):
        yield (
            ("groups", "links", index, "app"),
            f"another link ties the app group {name!r} already; name all its IdP groups in one link",
        )
    for index, link in enumerate(settings.groups.links):
        for place, name in enumerate(link.idps):
            if name not in known:
                yield ("groups", "links", index, "idps", place), f"there is no IdP with the id {name!r}"


def _roles(settings: Settings) -> Found:
    order = settings.roles.order
    for index, name in _again(role.name for role in order):
        yield ("roles", "order", index, "name"), f"the role {name!r} stands in the order twice"
    for _, name in _again(role.group for role in order if role.group):
        yield ("roles", "order"), f"{name!r} is the role group of two roles"
    if settings.roles.default is not None and settings.roles.default not in {role.name for role in order}:
        yield ("roles", "default"), "this role is not in roles.order"
    if settings.groups.default_group is not None and any(role.group for role in order):
        yield (
            ("groups", "default_group"),
            "with role groups everybody is in the role group of their role: leave default_group out",
        )


def _user(settings: Settings) -> Found:
    if settings.app is None and settings.headers.user_claim is None:
        yield (
            ("headers", "user_claim"),
            "without `app` there is no login to send: name the claim that is the user (or configure `app`)",
        )
    if settings.app is not None and settings.headers.user_claim is not None:
        yield (
            ("headers", "user_claim"),
            "with `app` the app's own login is sent, never a claim: leave this out",
        )


def _paths(settings: Settings) -> Found:
    known = {idp.id for idp in settings.idps}
    for index, rule in enumerate(settings.paths):
        for place, name in enumerate(rule.idps):
            if name not in known:
                yield ("paths", index, "idps", place), f"there is no IdP with the id {name!r}"
        demanded = rule.groups or rule.idps or rule.acr_values or rule.max_age
        if rule.identity == "optional" and demanded:
            yield (
                ("paths", index, "identity"),
                "a path that demands something of people cannot be open to strangers: leave one of the two out",
            )


def _headers(settings: Settings) -> Found:
    names = ("user", "email", "groups", "username")
    places: list[Loc] = [*(("headers", name) for name in names), ("assertion", "header")]
    written = [*(getattr(settings.headers, name) for name in names), settings.assertion.header]
    folded = [_folded(name) for name in written]
    for index, value in _again(folded):
        yield places[index], f"two headers are named {value!r} (-, _ and . count as one sign)"
    for place, value in zip(places, folded, strict=True):
        if value in _TAKEN:
            yield place, "this header has a meaning of its own in HTTP"


def _times(settings: Settings) -> Found:
    refresh, session = settings.refresh, settings.session
    if refresh.at_least > refresh.every:
        yield ("refresh", "at_least"), "must not be longer than refresh.every"
    if refresh.cool_off > refresh.grace:
        yield ("refresh", "cool_off"), "must not be longer than refresh.grace"
    if session.idle > session.absolute:
        yield ("session", "idle"), "must not be longer than session.absolute"


def _files(settings: Settings) -> Found:
    if settings.store.redis is None and settings.store.sqlite == settings.keys_file:
        yield ("keys_file",), "the keys and the store must be two files"


def _again(values: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The places and values that were seen before."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield index, value
        seen.add(value)


def _folded(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


_TAKEN: Final = frozenset(
    {
        "authorization", "connection", "content-length", "content-type", "cookie", "date", "expect", "forwarded", "host",
        "keep-alive", "proxy-authorization", "proxy-connection", "set-cookie", "te", "trailer", "transfer-encoding",
        "upgrade", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
    }
)  # fmt: skip

_CHECKS: Final[tuple[Callable[[Settings], Found], ...]] = (
    _plain_http,
    listening_mistakes,
    _proxies,
    upstream_mistakes,
    _admin,
    _idps,
    _choosing,
    _directories,
    bearer_mistakes,
    _links,
    _roles,
    _user,
    _paths,
    _headers,
    _times,
    _files,
    store_mistakes,
)
