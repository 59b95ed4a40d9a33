"""From the operator's settings to the frozen rules of each room; nobody below reads a setting."""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

import idna

from proxy.app.path_rules import path_rules
from proxy.edge.handshake import WebSocketRules
from proxy.edge.rules import Limits
from proxy.edge.trust import Trust
from proxy.errors import Problem, SettingsError
from proxy.gate.arrival import ArrivalRules
from proxy.gate.fields import FieldRules
from proxy.gate.gate import GateRules
from proxy.gate.headers import HeaderNames
from proxy.groups.claim import ClaimRules
from proxy.groups.evaluate import admit
from proxy.groups.rules import (
    AppGroupName,
    GroupRules,
    JoinRules,
    Link,
    LinkMode,
    Missing,
    Role,
    RoleName,
    RoleRules,
    UnknownMembers,
)
from proxy.identity import GroupName, Identity, IdpId
from proxy.login import UserEncoding
from proxy.oidc.rules import (
    AssertionRules,
    ClaimPaths,
    ClientAuth,
    IdpKind,
    IdpRules,
    PushUse,
    UserinfoUse,
)
from proxy.provisioning.guard import GuardRules
from proxy.provisioning.linking import LinkRules
from proxy.provisioning.rules import CourierRules, SweepRules
from proxy.reasons import Reason
from proxy.session.cookie import cookie_name
from proxy.session.keeper import KeeperRules
from proxy.session.policy import RefreshRules
from proxy.settings import idp as idp_settings
from proxy.settings import people
from proxy.settings.addresses import is_loopback
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import TelemetryRules
from proxy.web.leaving import LeavingRules

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_cookie_secure(settings: Settings) -> bool:
    """Https, or a loopback host, where browsers keep `__Host-` cookies (Decision 1)."""
    url = urlsplit(settings.public_url)
    return url.scheme == "https" or is_loopback(url.hostname or "")


def refresh_rules(settings: Settings) -> RefreshRules:
    return RefreshRules(
        every=settings.refresh.every,
        at_least=settings.refresh.at_least,
        grace=settings.refresh.grace,
        cool_off=settings.refresh.cool_off,
        idle=settings.session.idle,
        absolute=settings.session.absolute,
    )


def keeper_rules(settings: Settings) -> KeeperRules:
    after = {IdpId(idp.id): idp.ask_again_archives.after for idp in settings.idps}
    return KeeperRules(refresh=refresh_rules(settings), archive_after=after)


def gate_rules(settings: Settings) -> GateRules:
    exact = frozenset(path.encode() for path in settings.open_paths if not path.endswith("/*"))
    prefixes = tuple(path[:-1].encode() for path in settings.open_paths if path.endswith("/*"))
    return GateRules(
        hosts=public_hosts(settings.public_url),
        refresh=refresh_rules(settings),
        open_paths=exact,
        open_prefixes=prefixes,
        paths=path_rules(settings),
        cors_origins=cors_origins(settings),
    )


def cors_origins(settings: Settings) -> frozenset[bytes]:
    """The listed origins as browsers write them: A-labels, and no port where it is the scheme's own (Fetch, RFC 6454 §6.2)."""
    return frozenset(
        b"%b://%b" % (urlsplit(origin).scheme.encode(), min(public_hosts(origin), key=len))
        for origin in settings.cors_origins
    )


def public_hosts(public_url: str) -> frozenset[bytes]:
    """The Host values of an origin, as browsers write them: with the port, and without it where it is the scheme's own."""
    url = urlsplit(public_url)
    host = _browser_host(url.hostname or "")
    port = url.port or DEFAULT_PORTS[url.scheme]
    with_port = b"%b:%d" % (host, port)
    return frozenset({host, with_port} if port == DEFAULT_PORTS[url.scheme] else {with_port})


def origin_written(public_url: str) -> str:
    """The origin as a browser writes it, for a Location: ASCII, and no port where it is the scheme's own."""
    return f"{urlsplit(public_url).scheme}://{min(public_hosts(public_url), key=len).decode('ascii')}"


def _browser_host(name: str) -> bytes:
    """A host as a browser spells it (WHATWG URL): the shortest IPv6 text in brackets, A-labels by UTS 46."""
    if ":" in name:
        return b"[%b]" % str(ipaddress.IPv6Address(name)).encode()
    if name.isascii():
        return name.encode("ascii")
    try:
        return idna.encode(name, uts46=True)
    except idna.IDNAError:
        message = "this host name has no form in DNS; write it as https://xn--..., or correct it"
        raise SettingsError((Problem(path="public_url", line=None, message=message),)) from None


def header_names(settings: Settings) -> HeaderNames:
    headers = settings.headers
    return HeaderNames(
        user=headers.user, email=headers.email, groups=headers.groups, username=headers.username
    )


def field_rules(settings: Settings) -> FieldRules:
    return FieldRules(
        # Enabled or not: an app that goes on believing the header must not be told by a client.
        identity=(*header_names(settings).all(), settings.assertion.header),
        cookie=cookie_name(is_secure=is_cookie_secure(settings)),
        passes_authorization=settings.headers.pass_authorization,
        pseudonym=settings.headers.via,
    )


def limits(settings: Settings) -> Limits:
    return Limits(**settings.limits.model_dump())


def trust(settings: Settings) -> Trust:
    return Trust([ipaddress.ip_network(network) for network in settings.trusted_proxies])


def websocket_rules(settings: Settings) -> WebSocketRules:
    rules = settings.websockets
    return WebSocketRules(
        is_enabled=rules.enabled,
        origins=frozenset(origin.encode("ascii") for origin in rules.origins),
        idle_timeout=rules.idle_timeout,
    )


def idp_rules(idp: idp_settings.Idp) -> IdpRules:
    reader = idp.client_secret.reader() if idp.client_secret else None
    return IdpRules(
        id=IdpId(idp.id),
        name=idp.title,
        issuer=idp.issuer,
        client_id=idp.client_id,
        kind=IdpKind(idp.kind),
        secret=reader or (lambda: None),
        client_auth=ClientAuth(idp.client_auth),
        key=idp.client_key.reader() if idp.client_key else lambda: None,
        assertion=AssertionRules(**idp.client_assertion.model_dump()),
        certificate_file=str(idp.client_certificate) if idp.client_certificate else None,
        key_file=str(idp.client_key.file) if idp.client_key and idp.client_key.file else None,
        push=PushUse(idp.par),
        scopes=idp.scopes,
        groups=ClaimRules(
            paths=idp.claims.groups,
            separator=idp.groups_separator,
            is_absent_empty=idp.absent_groups == "empty",
        ),
        claims=ClaimPaths(
            email=idp.claims.email,
            email_verified=idp.claims.email_verified,
            name=idp.claims.name,
            username=idp.claims.username,
            directory_id=_directory_claim(idp),
        ),
        userinfo=UserinfoUse(idp.userinfo),
        is_email_trusted=idp.trust_email,
        hosted_domains=frozenset(domain.lower() for domain in idp.hosted_domains),
        ask_again_codes=frozenset(idp.ask_again_codes),
        denied_markers=frozenset(marker.lower() for marker in idp.denied_markers),
        timeout=idp.timeout,
        extra_parameters=idp.extra_parameters,
        ca_file=str(idp.ca_file) if idp.ca_file else None,
        signing_algorithms=frozenset(idp.signing_algorithms),
    )


def _directory_claim(idp: idp_settings.Idp) -> str | None:
    """Where the person's id in the directory is stated, unless the subject is it. Entra's is kept for a directory to come."""
    claim = idp.directory.id_claim if idp.directory else ("oid" if idp.kind == "entra" else "sub")
    return None if claim == "sub" else claim


def join_rules(settings: Settings) -> JoinRules:
    joining = settings.joining
    return JoinRules(
        is_auto_join=joining.auto_join,
        domains=frozenset(joining.domains),
        deny=frozenset(joining.deny),
        trusted_idps=frozenset(IdpId(idp.id) for idp in settings.idps if idp.trust_email),
        hosted_domain_idps=frozenset(
            IdpId(idp.id) for idp in settings.idps if idp.kind == "google" or idp.hosted_domains
        ),
    )


def group_rules(settings: Settings) -> GroupRules:
    groups = settings.groups
    return GroupRules(
        is_enabled=groups.enabled,
        links=tuple(_link(link) for link in groups.links),
        is_same_name=groups.same_name,
        is_case_sensitive=groups.case_sensitive,
        missing=Missing(groups.missing),
        default_group=AppGroupName(groups.default_group) if groups.default_group else None,
        roles=_roles(settings.roles),
        include=groups.include,
        exclude=groups.exclude,
        unknown_members=UnknownMembers(groups.unknown_members),
    )


def leaving_rules(settings: Settings) -> LeavingRules:
    out = settings.sign_out
    return LeavingRules(
        goes_to_idp=out.idp,
        return_to=out.return_to,
        front_channel=frozenset(IdpId(idp.id) for idp in settings.idps if idp.front_channel_logout),
    )


def arrival_rules(
    settings: Settings, admitting: Callable[[Identity], Reason | None] | None = None
) -> ArrivalRules:
    """`admitting` stands in for the configuration's own word on who is admitted."""
    join = join_rules(settings)
    return ArrivalRules(
        refresh=refresh_rules(settings),
        admit=admitting or (lambda identity: admit(identity, join)),
        login_claim=settings.headers.user_claim,
        # Two issuers may have the same subject.
        is_prefixed=len(settings.idps) + sum(one.idp is None for one in settings.bearer) > 1,
    )


def telemetry_rules(settings: Settings) -> TelemetryRules:
    return TelemetryRules(
        level=settings.log.level,
        is_access_logged=settings.log.access,
        idps=tuple(idp.id for idp in settings.idps),
    )


def sweep_rules(settings: Settings) -> SweepRules:
    sweep = settings.sweep
    return SweepRules(every=sweep.every, inactive_after=sweep.inactive_after, is_enabled=sweep.enabled)


def courier_rules(settings: Settings, *, logins: tuple[str, ...] = ()) -> CourierRules:
    """`logins` are the preset's patterns for a newcomer's login, in the order they are tried; empty: ours."""
    joining, guard = settings.joining, settings.guard
    protected = settings.app.protected if settings.app else ()
    parallel = settings.app.parallel if settings.app else 1
    return CourierRules(
        link=LinkRules(
            join=join_rules(settings),
            protected=frozenset(protected),
            logins=logins or LinkRules().logins,
            may_link_by_email=joining.link_by_email,
            may_link_across=joining.link_across,
            user_encoding=UserEncoding(settings.headers.user_encoding),
        ),
        groups=group_rules(settings),
        guard=GuardRules(
            least_members=guard.members.at_least,
            share_of_members=guard.members.percent / 100,
            least_of_link=guard.link.at_least,
            share_of_link=guard.link.percent / 100,
        ),
        is_provisioning_on=joining.provisioning,
        creations_per_hour=joining.creations_per_hour,
        keeps_profile=settings.app.update_profile if settings.app else False,
        seats=joining.seats,
        # One call fewer than the app takes at once: bulk work leaves a way through for people who are signing in.
        bulk_slots=max(1, parallel - 1),
    )


def allowed_groups(settings: Settings) -> frozenset[GroupName]:
    return frozenset(GroupName(name) for name in settings.headers.groups_allowed)


def _link(link: people.Link) -> Link:
    return Link(
        app_group=AppGroupName(link.app),
        idp_groups=frozenset(GroupName(name) for name in link.idp),
        mode=LinkMode(link.mode),
        idps=frozenset(IdpId(name) for name in link.idps),
    )


def _roles(roles: people.Roles) -> RoleRules:
    return RoleRules(
        order=tuple(_role(role) for role in roles.order),
        default=RoleName(roles.default) if roles.default else None,
        is_exact=roles.mode == "exact",
    )


def _role(role: people.Role) -> Role:
    return Role(
        name=RoleName(role.name),
        group=AppGroupName(role.group) if role.group else None,
        idp_groups=frozenset(GroupName(name) for name in role.idp),
        app_groups=frozenset(AppGroupName(name) for name in role.app),
    )
