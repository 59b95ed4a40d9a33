"""What can be served but is probably not meant: warnings, from a look at `Settings` and file modes."""

import stat
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from proxy.settings.addresses import Address, is_loopback
from proxy.settings.checks import Found
from proxy.settings.document import Loc
from proxy.settings.idle_checks import idle_doubts
from proxy.settings.model import Settings
from proxy.settings.secrets import SecretRef
from proxy.settings.store_checks import store_doubts
from proxy.settings.upstream_checks import upstreams_of

_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def doubts(settings: Settings) -> Found:
    """Every warning; none keeps Muster from starting."""
    for look in _LOOKS:
        yield from look(settings)


def _nobody_may_join(settings: Settings) -> Found:
    joining = settings.joining
    if joining.auto_join and not joining.domains:
        yield (
            ("joining", "domains"),
            'no domain is listed, so no newcomer is admitted: list domains, or write ["*"]',
        )
    if "*" in joining.domains and len(joining.domains) > 1:
        yield ("joining", "domains"), '"*" admits every domain; the others change nothing'


def _insecure(settings: Settings) -> Found:
    if settings.insecure_http and settings.public_url.startswith("http://"):
        yield ("insecure_http",), "cookies and tokens cross the network readable"


def _nothing_carries_it_out(settings: Settings) -> Found:
    if settings.app is not None:
        return
    if settings.groups.links or settings.groups.same_name or settings.groups.default_group:
        yield ("groups",), "without `app` links only decide which groups are sent in the header"
    if settings.roles.order:
        yield ("roles",), "without `app` roles change nothing"


def _open_to_all(settings: Settings) -> Found:
    for index, path in enumerate(settings.open_paths):
        if path == "/*":
            yield ("open_paths", index), "the whole app is open without sign-in"


def _never_reached(settings: Settings) -> Found:
    """A rule that an earlier one, or an open path, leaves nothing for: perhaps a part of the app that is not protected."""
    earlier = [(path, frozenset[str]()) for path in settings.open_paths]
    for index, rule in enumerate(settings.paths):
        methods = frozenset(rule.methods)
        for path, served in earlier:
            if _covers(path, rule.path) and (not served or (methods and methods <= served)):
                where = "open_paths opens it before:" if path in settings.open_paths else "before it comes"
                yield ("paths", index, "path"), f"this rule is never reached: {where} {path}"
                break
        earlier.append((rule.path, methods))
        if rule.path == "/*" and rule.identity == "optional":
            yield ("paths", index), "the whole app is open without sign-in"


def _covers(earlier: str, later: str) -> bool:
    if not earlier.endswith("/*"):
        return earlier == later
    return later.startswith(earlier.removesuffix("*")) or later == earlier.removesuffix("/*")


def _linked_but_off(settings: Settings) -> Found:
    if not settings.groups.enabled and (settings.groups.links or settings.roles.order):
        yield ("groups", "enabled"), "group and role work is off; the links and roles below change nothing"


def _metrics_are_public(settings: Settings) -> Found:
    if settings.ops_listen is not None and settings.ops_listen.host in ("0.0.0.0", "::"):
        yield (
            ("ops_listen",),
            "metrics are served on every interface; see that only the monitoring reaches them",
        )


def _nobody_may_come(settings: Settings) -> Found:
    enforced = settings.sign_in.enforce
    for index, rule in enumerate(settings.paths):
        if enforced is not None and rule.idps and enforced not in rule.idps:
            yield ("paths", index, "idps"), f"nobody new comes from these while sign_in.enforce is {enforced}"


def _readable_secrets(settings: Settings) -> Found:
    for loc, secret in secrets_of(settings):
        if secret.is_open_to_others():
            yield loc, f"everybody on this machine may read {secret.file}: chmod 600"


def _nobody_may_ask(settings: Settings) -> Found:
    """Who reaches loopback comes from it, but for a balancer's PROXY header; a Unix socket's peer is believed."""
    if not settings.forward_auth.enabled or settings.proxy_protocol:
        return
    networks = [ip_network(network) for network in settings.trusted_proxies]
    is_listed = any(
        network.overlaps(own) for network in networks for own in _LOOPBACK if own.version == network.version
    )
    doors = settings.listen
    if not is_listed and all(isinstance(door, Address) and is_loopback(door.host) for door in doors):
        yield (
            ("trusted_proxies",),
            "Muster listens on loopback alone, so a proxy that asks (forward_auth) comes from 127.0.0.1 or ::1: list it",
        )


def _readable_keys(settings: Settings) -> Found:
    for loc, path in _keys_of(settings):
        if path.exists() and path.stat().st_mode & stat.S_IROTH:
            yield loc, f"everybody on this machine may read {path}: chmod 600"


def _keys_of(settings: Settings) -> Iterator[tuple[Loc, Path]]:
    if settings.tls is not None:
        yield ("tls", "key"), settings.tls.key
    for loc, upstream in upstreams_of(settings):
        if upstream.tls.key_file is not None:
            yield (*loc, "tls", "key_file"), upstream.tls.key_file


def secrets_of(settings: Settings) -> Iterator[tuple[Loc, SecretRef]]:
    """Every secret, and where it stands."""
    for index, idp in enumerate(settings.idps):
        for name in ("client_secret", "client_key"):
            secret = getattr(idp, name)
            if secret is not None:
                yield ("idps", index, name), secret
        for name in ("client_secret", "token", "key"):
            secret = getattr(idp.directory, name, None)
            if secret is not None:
                yield ("idps", index, "directory", name), secret
    yield from _store_secrets(settings)
    if settings.admin_token is not None:
        yield ("admin_token",), settings.admin_token
    for index, bearer in enumerate(settings.bearer):
        if bearer.introspection is not None:
            yield ("bearer", index, "introspection", "client_secret"), bearer.introspection.client_secret
    for name, secret in (settings.app.credentials if settings.app else {}).items():
        yield ("app", "credentials", name), secret


def _store_secrets(settings: Settings) -> Iterator[tuple[Loc, SecretRef]]:
    redis = settings.store.redis
    if redis is not None and redis.password is not None:
        yield ("store", "redis", "password"), redis.password
    if redis is not None and redis.sentinel is not None and redis.sentinel.password is not None:
        yield ("store", "redis", "sentinel", "password"), redis.sentinel.password


_LOOKS: Final[tuple[Callable[[Settings], Found], ...]] = (
    _nobody_may_join,
    _insecure,
    _nothing_carries_it_out,
    _open_to_all,
    _never_reached,
    _linked_but_off,
    _metrics_are_public,
    _nobody_may_come,
    _nobody_may_ask,
    _readable_secrets,
    _readable_keys,
    idle_doubts,
    store_doubts,
)
