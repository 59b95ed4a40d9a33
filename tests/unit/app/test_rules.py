"""Every setting reaches a rule: a setting that does nothing is a promise broken in silence."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import pytest

from proxy.app import asserting, bearers, certificates, doors, house, idps, rooms, rules, storing, trail
from proxy.app.choosing import choosing_rules
from proxy.app.upstreams import routes, upstream_rules
from proxy.errors import SettingsError
from proxy.groups.rules import LinkMode
from proxy.identity import IdpId
from proxy.oidc.directory.rules import EntraRules, KeycloakRules
from proxy.oidc.rules import ClientAuth
from proxy.reasons import Reason
from proxy.settings import listening_checks
from proxy.settings.model import Settings
from proxy.settings.outline import every_entry
from proxy.settings.section import Reading
from tests.fakes.configurations import IDP, minimal, settings_of
from tests.fakes.people import identity

LINK: Final = {"app": "Developers", "idp": ["engineers"]}
ROLE: Final = {"name": "builder", "group": "builders"}

DIRECTORY: Final = {
    "kind": "keycloak",
    "url": "https://idp.example.com/admin/realms/corp",
    "token_url": "https://idp.example.com/token",
}

FULL: Final[Mapping[str, Any]] = minimal(
    upstream={"url": "https://127.0.0.1:3000"},
    upstreams=[{"prefix": "/api", "url": "https://127.0.0.1:3001"}],
    groups={"links": [LINK]},
    paths=[{"path": "/admin/*"}],
    guard={"members": {"at_least": 5, "percent": 10}, "link": {"at_least": 3, "percent": 30}},
    roles={"order": [{"name": "end-user"}, ROLE]},
    idps=[{**IDP, "directory": DIRECTORY}, {**IDP, "id": "other", "issuer": "https://other.example.com"}],
)

CHANGED: Final[Mapping[str, Any]] = {
    "trusted_proxies": ["10.0.0.0/8"],
    "websockets.enabled": False,
    "websockets.origins": ["https://tools.example.com"],
    "websockets.idle_timeout": "1m",
    "public_url": "https://other.example.com",
    "upstream.url": "http://127.0.0.1:4000",
    "upstream.host": "upstream",
    "upstream.host_header": "wiki.internal",
    "upstream.tls.ca_file": "ca.pem",
    "upstream.tls.cert_file": "ca.pem",
    "upstream.tls.key_file": "ca.pem",
    "upstream.tls.server_name": "app.internal",
    "upstream.connections": 7,
    "upstream.connect_timeout": "1s",
    "upstream.down_for": "3s",
    "upstream.first_byte_timeout": "2s",
    "upstream.idle_timeout": "3s",
    "upstreams.*.prefix": "/other",
    "upstreams.*.url": "http://127.0.0.1:4000",
    "upstreams.*.host": "upstream",
    "upstreams.*.host_header": "wiki.internal",
    "upstreams.*.tls.ca_file": "ca.pem",
    "upstreams.*.tls.cert_file": "ca.pem",
    "upstreams.*.tls.key_file": "ca.pem",
    "upstreams.*.tls.server_name": "app.internal",
    "upstreams.*.connections": 7,
    "upstreams.*.connect_timeout": "1s",
    "upstreams.*.down_for": "3s",
    "upstreams.*.first_byte_timeout": "2s",
    "upstreams.*.idle_timeout": "3s",
    "limits.header_timeout": "1s",
    "limits.body_timeout": "2s",
    "limits.idle_timeout": "3s",
    "limits.write_timeout": "4s",
    "limits.drain_timeout": "5s",
    "limits.drain_idle": "0s",
    "limits.header_bytes": "16KiB",
    "limits.header_count": 50,
    "limits.body_bytes": "1MiB",
    "limits.connections": 9,
    "limits.connections_per_client": 8,
    "limits.min_rate": "1KiB",
    "idps.*.id": "renamed",
    "idps.*.name": "Example Corp",
    "idps.*.kind": "keycloak",
    "idps.*.issuer": "https://third.example.com",
    "idps.*.client_id": "other-client",
    "idps.*.client_secret": {"env": "CLIENT_SECRET"},
    "idps.*.client_auth": "client_secret_post",
    "idps.*.client_key": {"env": "CLIENT_SECRET"},
    "idps.*.client_certificate": "ca.pem",
    "idps.*.client_assertion.key_id": "k1",
    "idps.*.client_assertion.algorithm": "PS256",
    "idps.*.client_assertion.audience": "https://idp.example.com/token",
    "idps.*.client_assertion.type": "client-authentication+jwt",
    "idps.*.par": "never",
    "idps.*.scopes": ["openid", "groups"],
    "idps.*.claims.groups": ["roles"],
    "idps.*.claims.email": "mail",
    "idps.*.claims.email_verified": "mail_checked",
    "idps.*.claims.name": "display_name",
    "idps.*.claims.username": "login",
    "idps.*.groups_separator": ",",
    "idps.*.absent_groups": "empty",
    "idps.*.userinfo": "always",
    "idps.*.trust_email": True,
    "idps.*.domains": ["other.example.com"],
    "idps.*.callback": "shared",
    "idps.*.hosted_domains": ["example.com"],
    "idps.*.ask_again_archives": {"after": "1h"},
    "idps.*.ask_again_codes": ["consent_required"],
    "idps.*.denied_markers": ["Account locked"],
    "idps.*.directory.kind": "entra",
    "idps.*.directory.groups": True,
    "idps.*.directory.id_claim": "employee",
    "idps.*.directory.client_id": "reader",
    "idps.*.directory.client_secret": {"env": "CLIENT_SECRET"},
    "idps.*.directory.group_names": "path",
    "idps.*.directory.timeout": "1s",
    "idps.*.directory.url": "https://admin.example.com/admin/realms/corp",
    "idps.*.directory.token_url": "https://admin.example.com/token",
    "idps.*.signing_algorithms": ["RS256"],
    "idps.*.front_channel_logout": True,
    "sign_out.idp": False,
    "sign_out.return_to": "https://intranet.example.com/",
    "idps.*.timeout": "3s",
    "sign_in.enforce": "corp",
    "sign_in.last_used": "go",
    "idps.*.extra_parameters": {"organization": "acme"},
    "idps.*.ca_file": "ca.pem",
    "refresh.every": "30m",
    "refresh.at_least": "1m",
    "refresh.grace": "2h",
    "refresh.cool_off": "5s",
    "session.idle": "1d",
    "session.absolute": "8d",
    "joining.auto_join": False,
    "joining.domains": ["example.org"],
    "joining.deny": ["mallory@example.com"],
    "joining.creations_per_hour": 3,
    "joining.seats": 7,
    "joining.link_by_email": False,
    "joining.link_across": True,
    "joining.provisioning": False,
    "groups.enabled": False,
    "groups.same_name": True,
    "groups.case_sensitive": False,
    "groups.missing": "create",
    "groups.include": ["app-*"],
    "groups.exclude": ["*-guests"],
    "groups.unknown_members": "remove",
    "groups.default_group": "Everybody",
    "groups.links.*.app": "Designers",
    "groups.links.*.idp": ["designers"],
    "groups.links.*.mode": "observe",
    "groups.links.*.idps": ["corp"],
    "roles.mode": "exact",
    "roles.default": "end-user",
    "roles.order.*.name": "reader",
    "roles.order.*.group": "readers",
    "roles.order.*.idp": ["readers"],
    "roles.order.*.app": ["Readers"],
    "app.protected": ["robot"],
    "app.update_profile": True,
    "sweep.enabled": False,
    "sweep.every": "1h",
    "sweep.inactive_after": "1d",
    "guard.members.at_least": 1,
    "guard.members.percent": 1,
    "guard.link.at_least": 1,
    "guard.link.percent": 1,
    "headers.user": "X-User",
    "headers.email": "X-Email",
    "headers.groups": "X-Groups",
    "headers.username": "X-Name",
    "headers.groups_allowed": ["*"],
    "headers.user_claim": "email",
    "headers.user_encoding": "utf-8",
    "headers.pass_authorization": True,
    "assertion.header": "X-Assertion",
    "assertion.audience": "wiki",
    "assertion.lifetime": "1m",
    "headers.via": "gate",
    "open_paths": ["/health", "/static/*"],
    "paths.*.path": "/admin",
    "paths.*.methods": ["POST"],
    "paths.*.identity": "optional",
    "paths.*.answer": "unauthorized",
    "paths.*.groups": ["admins"],
    "paths.*.idps": ["corp"],
    "paths.*.acr_values": ["urn:a"],
    "paths.*.max_age": "5m",
    "cors_origins": ["https://spa.example.net"],
    "log.level": "error",
    "log.access": False,
}
"""For each setting another value than the one in `FULL`."""

ELSEWHERE: Final[Mapping[str, tuple[Any, str]]] = {
    "listen": (doors, "settings.listen"),
    "socket_mode": (doors, "settings.socket_mode"),
    "redirect_http": (doors, "settings.redirect_http"),
    "workers": (listening_checks, "settings.workers"),
    "tls.certificate": (certificates, "settings.tls.certificate"),
    "tls.key": (certificates, "settings.tls.key"),
    "proxy_protocol": (house, "settings.proxy_protocol"),
    "admin_token": (house, "settings.admin_token"),
    "ops_listen": (listening_checks, "settings.ops_listen"),
    "store.sqlite": (storing, "settings.store.sqlite"),
    "store.redis.url": (storing, "redis.url"),
    "store.redis.sentinel.nodes": (storing, "watching.nodes"),
    "store.redis.sentinel.master": (storing, "watching.master"),
    "store.redis.sentinel.username": (storing, "watching.username"),
    "store.redis.sentinel.password": (storing, "watching.password"),
    "store.redis.cluster.nodes": (storing, "redis.cluster.nodes"),
    "store.redis.prefix": (storing, "redis.prefix"),
    "store.redis.database": (storing, "redis.database"),
    "store.redis.username": (storing, "redis.username"),
    "store.redis.password": (storing, "redis.password"),
    "store.redis.tls.ca_file": (storing, "files.ca_file"),
    "store.redis.tls.cert_file": (storing, "files.cert_file"),
    "store.redis.tls.key_file": (storing, "files.key_file"),
    "store.redis.timeout": (storing, "redis.timeout"),
    "store.redis.connections": (storing, "redis.connections"),
    "forward_auth.enabled": (house, "settings.forward_auth.enabled"),
    "keys_file": (house, "settings.keys_file"),
    "assertion.enabled": (asserting, "settings.assertion.enabled"),
    "audit.keep": (trail, "settings.audit.keep"),
    "audit.rows": (trail, "settings.audit.rows"),
    "bearer.*.idp": (bearers, "bearer.idp"),
    "bearer.*.id": (bearers, "bearer.name"),
    "bearer.*.issuer": (bearers, "bearer.issuer"),
    "bearer.*.audiences": (bearers, "bearer.audiences"),
    "bearer.*.required_scopes": (bearers, "bearer.required_scopes"),
    "bearer.*.algorithms": (bearers, "bearer.algorithms"),
    "bearer.*.plain_jwt": (bearers, "bearer.plain_jwt"),
    "bearer.*.jwks_url": (bearers, "bearer.jwks_url"),
    "bearer.*.introspection.url": (bearers, "asked.url"),
    "bearer.*.introspection.client_id": (bearers, "asked.client_id"),
    "bearer.*.introspection.client_secret": (bearers, "asked.client_secret"),
    "bearer.*.introspection.kept": (bearers, "asked.kept"),
    "bearer.*.claims.groups": (bearers, "claims.groups"),
    "bearer.*.claims.email": (bearers, "claims.email,"),
    "bearer.*.claims.email_verified": (bearers, "claims.email_verified"),
    "bearer.*.claims.name": (bearers, "claims.name"),
    "bearer.*.claims.username": (bearers, "claims.username"),
    "bearer.*.groups_separator": (bearers, "bearer.groups_separator"),
    "bearer.*.trust_email": (bearers, "bearer.trust_email"),
    "bearer.*.timeout": (bearers, "bearer.timeout"),
    "bearer.*.ca_file": (bearers, "bearer.ca_file"),
    "headers.groups_max_bytes": (rooms, "settings.headers.groups_max_bytes"),
    "idps.*.directory.token": (idps, "directory.token"),
    "idps.*.directory.key": (idps, "directory.key"),
    "idps.*.directory.key_id": (idps, "directory.key_id"),
    "idps.*.directory.admin": (idps, "directory.admin"),
    "idps.*.directory.domains": (idps, "directory.domains"),
    "app.preset": (rooms, "app.preset"),
    "app.url": (rooms, "app.url"),
    "app.credentials": (rooms, "app.credentials"),
    "app.timeout": (rooms, "app.timeout"),
    "app.parallel": (rooms, "app.parallel"),
    "app.variables": (rooms, "app.variables"),
}
"""Settings that no rule record carries, and who reads them."""

PERMITS: Final = {"trust_every_proxy", "insecure_http"}
"""Settings that only say what else may be set; `proxy/settings` itself acts on them."""


def leaves() -> set[str]:
    return {".".join(map(str, entry.loc)) for entry in every_entry() if entry.section is None}


def everything(settings: Settings) -> dict[str, Any]:
    """All rules that follow from the settings, comparable."""
    arrival = rules.arrival_rules(settings)
    asked = [rules.idp_rules(idp) for idp in settings.idps]
    directories = [idps.directory_rules(idp) for idp in settings.idps]
    return {
        "cookie": rules.is_cookie_secure(settings),
        "keeper": rules.keeper_rules(settings),
        "gate": rules.gate_rules(settings),
        "fields": rules.field_rules(settings),
        "assertion": asserting.assertion_rules(settings),
        "limits": rules.limits(settings),
        "upstream": upstream_rules(settings.upstream) if settings.upstream else None,
        "upstreams": routes(settings),
        "websockets": rules.websocket_rules(settings),
        "trust": rules.trust(settings).believes("10.1.2.3"),
        "idps": asked,
        "directories": directories,
        "secrets": [(idp.secret(), idp.key()) for idp in asked],
        "directory_secrets": [
            one.product.secret()
            for one in directories
            if one is not None and isinstance(one.product, KeycloakRules | EntraRules)
        ],
        "courier": rules.courier_rules(settings),
        "choosing": choosing_rules(settings),
        "leaving": rules.leaving_rules(settings),
        "sweep": rules.sweep_rules(settings),
        "allowed": rules.allowed_groups(settings),
        "arrival": (arrival.refresh, arrival.login_claim, arrival.is_prefixed),
        "telemetry": rules.telemetry_rules(settings),
    }


def read(tree: Mapping[str, Any], folder: Path) -> Settings:
    """Settings of a tree whose parts need not suit each other."""
    (folder / "ca.pem").touch()
    where = Reading(folder=folder, environ={"CLIENT_SECRET": "s3cret"})
    return Settings.model_validate_json(json.dumps(tree), context=where)


def put(tree: Any, path: str, value: Any) -> Any:
    """A copy with one value set; `*` is the first of a list."""
    name, _, rest = path.partition(".")
    if name == "*":
        return [put(tree[0], rest, value), *tree[1:]]
    inner = put(tree.get(name, {}), rest, value) if rest else value
    return {**tree, name: inner}


def test_every_setting_is_told_apart_here() -> None:
    """Whoever adds a setting says here what it changes, or who reads it."""
    assert leaves() == CHANGED.keys() | ELSEWHERE.keys() | PERMITS


@pytest.mark.parametrize("path", CHANGED)
def test_a_changed_setting_changes_a_rule(path: str, tmp_path: Path) -> None:
    changed = put(FULL, path, CHANGED[path])
    assert everything(read(changed, tmp_path)) != everything(read(FULL, tmp_path))


@pytest.mark.parametrize("path", ELSEWHERE)
def test_what_no_rule_carries_is_read_by_the_composition_root(path: str) -> None:
    module, expression = ELSEWHERE[path]
    assert expression in inspect.getsource(module)


def test_the_same_settings_give_the_same_rules(tmp_path: Path) -> None:
    assert everything(read(FULL, tmp_path)) == everything(read(FULL, tmp_path))


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://app.example.com", {b"app.example.com", b"app.example.com:443"}),
        ("https://app.example.com:443", {b"app.example.com", b"app.example.com:443"}),
        ("https://app.example.com:8443", {b"app.example.com:8443"}),
        ("https://app.example.com:80", {b"app.example.com:80"}),
        ("http://localhost", {b"localhost", b"localhost:80"}),
        ("http://localhost:443", {b"localhost:443"}),
        ("http://127.0.0.1:8080", {b"127.0.0.1:8080"}),
        ("http://[::1]", {b"[::1]", b"[::1]:80"}),
        ("http://[::1]:8080", {b"[::1]:8080"}),
        ("https://[2001:DB8:0:0::1]", {b"[2001:db8::1]", b"[2001:db8::1]:443"}),
        ("https://App.Example.COM", {b"app.example.com", b"app.example.com:443"}),
        ("https://bücher.example", {b"xn--bcher-kva.example", b"xn--bcher-kva.example:443"}),
        ("https://straße.example:8443", {b"xn--strae-oqa.example:8443"}),
        ("https://ＡＰＰ.example:1", {b"app.example:1"}),
    ],
)
def test_the_hosts_are_those_that_browsers_send(url: str, hosts: set[bytes]) -> None:
    assert rules.public_hosts(url) == hosts


def test_a_host_without_a_form_in_dns_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(SettingsError, match="no form in DNS"):
        rules.public_hosts("https://" + "ü" * 80 + ".example")


@pytest.mark.parametrize(
    ("url", "is_secure"),
    [
        ("https://app.example.com", True),
        ("http://localhost:8080", True),
        ("http://app.localhost", True),
        ("http://127.0.0.1:1", True),
        ("http://127.8.9.10", True),
        ("http://[::1]:8080", True),
        ("http://app.example.com", False),
        ("http://192.168.0.1", False),
        ("http://localhost.example.com", False),
    ],
)
def test_the_cookie_is_secure_on_https_and_on_loopback(url: str, is_secure: bool, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, public_url=url, insecure_http=True)
    assert rules.is_cookie_secure(settings) is is_secure
    assert rules.field_rules(settings).cookie == ("__Host-muster" if is_secure else "muster")


@pytest.mark.parametrize(
    ("written", "as_browsers_do"),
    [
        ("https://Spa.Example.net/", b"https://spa.example.net"),
        ("https://spa.example.net:443", b"https://spa.example.net"),
        ("http://localhost:3000", b"http://localhost:3000"),
        ("http://spa.example.net:80", b"http://spa.example.net"),
        ("https://bücher.example", b"https://xn--bcher-kva.example"),
        ("https://[2001:DB8:0::1]:8443", b"https://[2001:db8::1]:8443"),
    ],
)
def test_an_origin_is_compared_as_browsers_write_it(
    tmp_path: Path, written: str, as_browsers_do: bytes
) -> None:
    settings = settings_of(tmp_path, cors_origins=[written])
    assert rules.cors_origins(settings) == {as_browsers_do}
    assert rules.gate_rules(settings).cors_origins == {as_browsers_do}


def test_open_paths_are_exact_unless_they_end_in_a_star(tmp_path: Path) -> None:
    gate = rules.gate_rules(settings_of(tmp_path, open_paths=["/health", "/static/*"]))
    assert gate.open_paths == {b"/health"}
    assert gate.open_prefixes == (b"/static/",)


def test_no_open_path_opens_nothing(tmp_path: Path) -> None:
    gate = rules.gate_rules(settings_of(tmp_path))
    assert (gate.open_paths, gate.open_prefixes) == (frozenset(), ())
    assert not b"/".startswith(gate.open_prefixes)


def test_every_limit_of_the_settings_is_a_limit_of_the_edge(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, limits={"body_bytes": "1KiB"})
    written = settings.limits.model_dump()
    assert asdict(rules.limits(settings)).items() >= written.items()
    assert written["body_bytes"] == 1024


def test_a_secret_is_read_anew_at_every_use(tmp_path: Path) -> None:
    file = tmp_path / "idp.secret"
    file.write_text("first\n")
    file.chmod(0o600)
    settings = settings_of(tmp_path, idps=[{**IDP, "client_secret": {"file": "idp.secret"}}])
    idp = rules.idp_rules(settings.idps[0])
    assert (idp.client_auth, idp.secret()) == (ClientAuth.BASIC, "first")
    file.write_text("second, longer\n")
    assert idp.secret() == "second, longer"
    assert "second" not in repr(idp)


def test_a_public_client_has_no_secret(tmp_path: Path) -> None:
    idp = rules.idp_rules(settings_of(tmp_path).idps[0])
    assert (idp.client_auth, idp.secret()) == (ClientAuth.NONE, None)


@pytest.mark.parametrize(
    ("kind", "after"),
    [("keycloak", None), ("entra", None), ("okta", 86400.0), ("google", 86400.0), ("generic", 86400.0)],
)
def test_a_bare_refusal_archives_only_where_the_idp_has_no_marker(
    kind: str, after: float | None, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, idps=[{**IDP, "kind": kind}])
    assert rules.keeper_rules(settings).archive_after == {IdpId("corp"): after}


def test_a_google_idp_or_one_with_hosted_domains_goes_by_the_hosted_domain(tmp_path: Path) -> None:
    idps = [
        {**IDP, "id": "plain"},
        {**IDP, "id": "google", "kind": "google", "issuer": "https://accounts.google.com"},
        {**IDP, "id": "hosted", "issuer": "https://b.example.com", "hosted_domains": ["Example.com"]},
    ]
    settings = settings_of(tmp_path, idps=idps)
    assert rules.join_rules(settings).hosted_domain_idps == {"google", "hosted"}
    assert rules.idp_rules(settings.idps[2]).hosted_domains == {"example.com"}


def test_a_percentage_becomes_a_share(tmp_path: Path) -> None:
    guard = rules.courier_rules(settings_of(tmp_path)).guard
    assert (guard.least_members, guard.share_of_members) == (5, 0.1)
    assert (guard.least_of_link, guard.share_of_link) == (3, 0.3)


def test_links_keep_their_mode_and_their_idps(tmp_path: Path) -> None:
    link = {**LINK, "mode": "off", "idps": ["corp"]}
    (made,) = rules.group_rules(settings_of(tmp_path, groups={"links": [link]})).links
    assert made.mode is LinkMode.OFF
    assert set(made.idps) == {"corp"}
    assert set(made.idp_groups) == {"engineers"}


def test_without_an_app_nobody_is_protected_and_logins_are_claims(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, app=None, headers={"user_claim": "email"})
    assert rules.courier_rules(settings).link.protected == frozenset()
    assert rules.arrival_rules(settings).login_claim == "email"


def test_names_are_prefixed_with_several_idps(tmp_path: Path) -> None:
    assert not rules.arrival_rules(settings_of(tmp_path)).is_prefixed
    second = {**IDP, "id": "other", "issuer": "https://other.example.com"}
    assert rules.arrival_rules(settings_of(tmp_path, idps=[dict(IDP), second])).is_prefixed


def test_arrivals_are_admitted_by_the_joining_rules(tmp_path: Path) -> None:
    admit = rules.arrival_rules(settings_of(tmp_path)).admit
    assert admit(identity()) is None
    assert admit(identity(email="eve@example.org")) is Reason.DOMAIN_NOT_ALLOWED
    assert admit(replace(identity(), is_email_verified=False)) is Reason.EMAIL_NOT_VERIFIED
