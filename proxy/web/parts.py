"""What the control plane is built from; `proxy/app` puts it together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from proxy.identity import IdpId
from proxy.oidc.flow import Attempt
from proxy.session.codec import KeyRing
from proxy.session.cookie import cookie_name
from proxy.session.policy import RefreshRules
from proxy.session.step_up import Demand
from proxy.web.choosing import ChoosingRules
from proxy.web.leaving import LeavingRules
from proxy.web.ports import Arrive, Journal, PublishesKeys, Readiness, Renew, Sessions, SignInFlow

OWN = "/_muster"
CALLBACK = f"{OWN}/callback"


def callback_of(idp: IdpId, *, is_own: bool) -> str:
    return f"{CALLBACK}/{idp}" if is_own else CALLBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where people meet us.

    `public_url` is an origin without a trailing slash: every absolute address starts with it, never with Host.
    `cors_origins` are the origins whose scripts may read our answers, as browsers write them.
    """

    public_url: str
    is_cookie_secure: bool
    cors_origins: frozenset[bytes] = frozenset()

    @property
    def app_name(self) -> str:
        """The app as people know it: the host they typed."""
        return urlsplit(self.public_url).hostname or self.public_url

    @property
    def cookie_name(self) -> str:
        return cookie_name(is_secure=self.is_cookie_secure)

    def url(self, path: str) -> str:
        return self.public_url + path


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """Everything the pages use. `flows` in the operator's order; `clock` gives epoch seconds; `entropy(n)` n random bytes.

    `demands` are what paths may demand of a sign-in: a link may ask for one of them, and for nothing else.
    `cookie_seconds` is the session cookie's Max-Age (the session's absolute limit); None: as long as the browser runs.
    """

    site: Site
    flows: Mapping[IdpId, SignInFlow]
    arrive: Arrive
    renew: Renew
    sessions: Sessions
    readiness: Readiness
    journal: Journal
    keys: KeyRing = field(repr=False)
    refresh: RefreshRules
    cookie_seconds: int | None
    clock: Callable[[], float]
    entropy: Callable[[int], bytes]
    demands: frozenset[Demand] = frozenset()
    choosing: ChoosingRules = field(default_factory=ChoosingRules)
    leaving: LeavingRules = field(default_factory=LeavingRules)
    assertions: PublishesKeys | None = None

    def callback_path(self, idp: IdpId) -> str:
        """Where this IdP's answers come to, and no other's where it has a path of its own."""
        return callback_of(idp, is_own=idp in self.choosing.own_callbacks)

    def callback_url(self, idp: IdpId) -> str:
        """The redirect URI."""
        return self.site.url(self.callback_path(idp))

    def tells_apart(self, attempt: Attempt) -> bool:
        """Whether this attempt's answer cannot be mistaken for one of another IdP (RFC 9700 §4.4.2)."""
        is_alone = len(self.flows) == 1
        return is_alone or attempt.is_issuer_expected or attempt.idp in self.choosing.own_callbacks
