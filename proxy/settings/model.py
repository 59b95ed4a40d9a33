"""`Settings`: everything an operator can set, as one frozen value. The sections stand in `traffic`, `idp` and `people`."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, ValidationInfo

from proxy.errors import Problem
from proxy.settings.addresses import Endpoint, Listen, Network, OpsListen, Origin
from proxy.settings.assertion import Assertion
from proxy.settings.bearer import Bearer
from proxy.settings.durations import PositiveDuration
from proxy.settings.files import FileToWrite
from proxy.settings.forward_auth import ForwardAuth
from proxy.settings.idp import Idp
from proxy.settings.listening import MOST_WORKERS, SocketMode, Tls
from proxy.settings.paths import PathRule
from proxy.settings.people import Groups, Guard, Joining, Roles, Sweep
from proxy.settings.secrets import Secret
from proxy.settings.section import Section, local_path, reading, setting
from proxy.settings.signing_in import SigningIn
from proxy.settings.signing_out import SigningOut
from proxy.settings.store import Store
from proxy.settings.text import Text, as_tuple
from proxy.settings.traffic import Headers, Limits, OpenPath, WebSockets
from proxy.settings.upstream import PathUpstream, Upstream


class Refresh(Section):
    """When the IdP is asked again."""

    every: PositiveDuration = setting("1h", "The longest time between two questions about one session.")
    at_least: PositiveDuration = setting("5m", "The shortest, where an access token lives shorter than that.")
    grace: PositiveDuration = setting(
        "1h", "How long people are served after a question fell due while the IdP is silent."
    )
    cool_off: PositiveDuration = setting("30s", "How long to wait before asking a silent IdP again.")


class SessionTimes(Section):
    """How long a session may live, however well the IdP speaks of the person."""

    idle: PositiveDuration = setting("7d", "Without a request.")
    absolute: PositiveDuration = setting("30d", "In all.")


def _preset(name: str, info: ValidationInfo) -> str:
    """A built-in preset's name as it is; a path (with `/`, or ending in .yaml) made absolute, and the file must exist."""
    if "/" not in name and not name.endswith((".yaml", ".yml")):
        return name
    path = local_path(name, reading(info).folder)
    if not path.is_file():
        raise ValueError(f"there is no preset file {path}")
    return str(path)


class App(Section):
    """The app's admin API, by which accounts and groups follow."""

    preset: Annotated[
        Text,
        AfterValidator(_preset),
        Field(
            description="How this app's API is spoken: a built-in preset's name, or the path of your own YAML file.",
            examples=["redmine"],
        ),
    ]
    url: Annotated[
        Endpoint, Field(description="Where the admin API is reached.", examples=["http://127.0.0.1:3000"])
    ]
    credentials: dict[str, Secret] = setting(
        {}, "The secrets that the preset asks for, each {file: PATH} or {env: NAME}."
    )
    protected: Annotated[tuple[Text, ...], BeforeValidator(as_tuple)] = setting(
        (),
        "Logins that are never archived, removed or demoted; the account behind the admin token belongs here.",
    )
    update_profile: bool = setting(
        False, "Carry changed names and addresses into the app's account too, where its API can."
    )
    timeout: PositiveDuration = setting("5s", "How long one call to the API may take.")
    parallel: int = setting(4, "How many calls may run at once.", ge=1, le=256)
    variables: dict[str, str] = setting({}, "Values that the preset's templates may use.")


class Log(Section):
    """What is written to standard error and standard output."""

    level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "The least severe log lines that are written."
    )
    access: bool = setting(True, "Write a line for every request.")


class Audit(Section):
    """How long audit records are kept in the store; on standard output they are written all the same."""

    keep: PositiveDuration = setting("90d", "Older records are taken out.")
    rows: int = setting(1_000_000, "The most records; beyond, the oldest are taken out.", ge=1000)


class Settings(Section):
    """The whole configuration."""

    listen: Listen = setting(
        "127.0.0.1:8080", "Where people's requests arrive: host:port, unix:/path, or a list of them."
    )
    public_url: Annotated[
        Origin,
        Field(
            description="The address that people type: scheme and host, and the port if it is unusual.",
            examples=["https://app.example.com"],
        ),
    ]
    ops_listen: OpsListen | None = setting(
        None, "Where /metrics, /livez and /readyz are served apart from users; null = metrics are not served."
    )
    admin_token: Secret | None = setting(
        None,
        "Switches the admin API of sessions on, at `ops_listen`: its callers show this token. {file: PATH} or {env: NAME}.",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        (),
        "Addresses and networks (CIDR) of proxies in front of Muster whose `X-Forwarded-For` is believed; empty = nobody's.",
    )
    trust_every_proxy: bool = setting(
        False, "Demanded for a network in `trusted_proxies` that holds everybody, such as 0.0.0.0/0."
    )
    proxy_protocol: bool = setting(
        False,
        "Every connection begins with a header of the PROXY protocol (version 1 or 2), from `trusted_proxies` only.",
    )
    insecure_http: bool = setting(
        False,
        "Allow a `public_url` (or an issuer) on plain http beyond loopback. Cookies and tokens then cross the network readable.",
    )
    socket_mode: SocketMode = setting(
        "0660", "The mode of the Unix sockets in `listen`: who may connect to them."
    )
    tls: Tls | None = setting(None, "TLS on every TCP address of `listen`; null = plain HTTP.")
    redirect_http: OpsListen | None = setting(
        None,
        "Where plain HTTP is answered with nothing but a redirect to `public_url`, such as 0.0.0.0:80; null = nowhere.",
    )
    workers: int = setting(
        1,
        "How many processes serve. Limits hold for each. With several, the second shows health and metrics on the port "
        "after `ops_listen`, and so on.",
        ge=1,
        le=MOST_WORKERS,
    )
    upstream: Upstream | None = setting(
        None,
        "The app that Muster stands in front of. Required, unless `forward_auth` is enabled: where only other proxies ask, they "
        "know where the app is.",
        json_schema_extra={"x-usual": True},
    )
    forward_auth: ForwardAuth = setting({}, "Answering proxies that ask about each request.")
    upstreams: tuple[PathUpstream, ...] = setting(
        (),
        "Other upstreams for paths under a prefix; everything else goes to `upstream`. The gate decides first, as for any path.",
    )
    limits: Limits = setting({}, "What one client connection may cost.")
    websockets: WebSockets = setting({}, "WebSockets through to the app.")
    store: Store = setting({}, "Where sessions, bindings and the outbox are kept: `sqlite` or `redis`.")
    keys_file: FileToWrite = setting(
        "./muster.keys",
        "The keys that seal sessions; made with mode 0600 when absent. Whoever loses it signs everybody out.",
    )
    idps: Annotated[tuple[Idp, ...], Field(min_length=1, description="The identity providers; at least one.")]
    sign_in: SigningIn = setting({}, "Which of several IdPs people sign in with.")
    sign_out: SigningOut = setting({}, "What the sign-out button does.")
    bearer: tuple[Bearer, ...] = setting(
        (),
        "Issuers whose bearer tokens are taken instead of a session's cookie (docs/bearer.md); empty = none.",
    )
    refresh: Refresh = setting({}, "When the IdP is asked again.")
    session: SessionTimes = setting({}, "How long a session may live.")
    joining: Joining = setting({}, "Who gets an account.")
    groups: Groups = setting({}, "Which IdP groups mean which app groups.")
    roles: Roles = setting({}, "The app's roles.")
    app: App | None = setting(
        None,
        "The app's admin API; null = accounts and groups are not carried into the app, only headers are sent.",
    )
    sweep: Sweep = setting({}, "When everybody is looked at.")
    guard: Guard = setting({}, "How much may change in an hour without an administrator.")
    headers: Headers = setting({}, "How the app is told who somebody is.")
    assertion: Assertion = setting({}, "A signed statement about the person, beside the headers.")
    open_paths: tuple[OpenPath, ...] = setting(
        (),
        "Paths that need no sign-in: exact ones, or prefixes that end in `/*`. No identity header goes with them.",
    )
    paths: tuple[PathRule, ...] = setting(
        (),
        "Rules for single paths, after `open_paths`; the first that covers path and method holds. Other paths need a sign-in.",
    )
    cors_origins: tuple[Origin, ...] = setting(
        (),
        "Other origins (https://host) whose scripts may read our 401 and 503 answers, with credentials, and whose "
        "preflights reach the app. What the app itself answers is the app's.",
    )
    log: Log = setting({}, "What is logged.")
    audit: Audit = setting({}, "How long audit records are kept in the store.")

    _warnings: tuple[Problem, ...] = PrivateAttr(default=())
    _lines: dict[str, int] = PrivateAttr(default_factory=dict)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What can be served but is probably not meant."""
        return self._warnings

    def line_of(self, path: str) -> int | None:
        """The line of the nearest setting that the file writes: for mistakes that are found later, such as a preset's."""
        while path and path not in self._lines:
            path = re.sub(r"(\.|\[|\A)[^.\[]*\Z", "", path)
        return self._lines.get(path)

    @property
    def files(self) -> tuple[Path, ...]:
        """What Muster writes."""
        return (self.keys_file,) if self.store.redis else (self.store.sqlite, self.keys_file)
