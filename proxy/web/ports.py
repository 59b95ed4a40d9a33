"""What the pages ask of their neighbours, as Protocols they meet structurally."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from proxy.gate.arrival import SignedIn
from proxy.identity import Identity, IdpId, Subject
from proxy.oidc.client import Authorization
from proxy.oidc.client import SignedIn as Redeemed
from proxy.oidc.documents import Unready
from proxy.oidc.flow import Attempt, Code, Prompt
from proxy.oidc.logout import LogoutToken
from proxy.oidc.outcome import Fault
from proxy.oidc.rules import IdpRules
from proxy.reasons import Reason
from proxy.session.model import Authentication, Device, Session, SessionKey, Tokens
from proxy.session.step_up import Demand


class SignInFlow(Protocol):
    """One IdP, as a browser on its way through it needs it; `proxy.oidc.client.OidcClient` is one.

    No method raises for what an IdP may answer, but `redeem`: NotTrusted when the answer proves nothing.
    """

    rules: IdpRules

    def client_keys(self) -> tuple[Mapping[str, str], ...] | None:
        """The public key that proves us, as a set of one; empty while it cannot be had; None where no key does."""

    async def authorization(
        self,
        *,
        redirect_uri: str,
        return_to: str,
        entropy: bytes,
        now: float,
        prompt: Prompt | None = None,
        login_hint: str | None = None,
        demand: Demand | None = None,
    ) -> Authorization | Unready:
        """An attempt, and where to send the browser."""

    async def redeem(
        self, code: Code, attempt: Attempt, *, redirect_uri: str, now: float
    ) -> Redeemed | Fault:
        """Who signed in. A fault ends nothing and touches no account (semantics §5.5)."""

    async def revoke(self, tokens: Tokens, now: float) -> bool:
        """Tell the IdP that the tokens are not needed any more; best effort."""

    async def logged_out(self, logout_token: str, now: float) -> LogoutToken | Unready:
        """Whom the IdP signed out. Raises NotTrusted for a token that is not its own or not for us."""

    async def end_session_url(
        self, *, id_token_hint: str | None, post_logout_redirect_uri: str, state: str | None, now: float
    ) -> str | None:
        """Where the browser signs out at the IdP too; None where there is no such place."""


class Arrive(Protocol):
    """Makes the session; `proxy.gate.arrival.Arrivals` does it."""

    async def sign_in(
        self,
        identity: Identity,
        tokens: Tokens,
        *,
        idp_session: str | None,
        replaces: SessionKey | None,
        continues: Session | None,
        device: Device,
        authentication: Authentication,
    ) -> SignedIn: ...


class Renew(Protocol):
    """Asks the IdP about a session now; `proxy.session.keeper.Keeper` does it."""

    async def renew(self, key: SessionKey, *, is_forced: bool = False) -> Session | None:
        """The session after one renewal, or None when it ended. Raises Unavailable."""


class Sessions(Protocol):
    """The part of the session store that pages need; each method raises `Unavailable`."""

    async def load(self, key: SessionKey) -> Session | None: ...

    async def end(self, keys: Iterable[SessionKey], reason: Reason, now: float) -> None: ...

    async def end_subject(self, subject: Subject, reason: Reason, now: float) -> Sequence[SessionKey]: ...

    async def end_idp_session(
        self, idp: IdpId, sid: str, subject: Subject | None, reason: Reason, now: float
    ) -> Sequence[SessionKey]: ...

    async def of_subject(self, subject: Subject) -> Sequence[Session]: ...

    async def spend_attempt(self, state_hash: str, *, now: float, seconds: float) -> bool: ...


class Journal(Protocol):
    """Who hears of what happens on the pages. Codes come from closed sets; nothing secret is handed over."""

    def sign_in_failed(self, code: str, *, idp: IdpId | None, peer: str) -> None:
        """A callback proved nothing, or the IdP said no there."""

    def idp_failed(self, idp: IdpId, reason: Reason, detail: str) -> None:
        """IDP_TROUBLE or IDP_MISCONFIGURED while somebody was signing in."""

    def signed_out(self, session: Session) -> None: ...

    def ended_by_person(self, session: Session, ended: int) -> None:
        """Somebody ended so many other sessions of their own; `session` is the one that asked."""

    def idp_logged_out(self, idp: IdpId, subject: Subject | None, ended: int, *, channel: str) -> None:
        """An IdP signed somebody out; `channel` is `back` or `front`."""

    def logout_refused(self, code: str, *, peer: str) -> None:
        """A logout that proved nothing, or that could not be carried out."""

    def crashed(self, error: BaseException) -> str:
        """Take a bug of ours to the log, with its traceback; the id that the person is shown."""


class Readiness(Protocol):
    async def ready(self) -> tuple[bool, dict[str, str]]:
        """Whether requests can be served, and a word per part; never raises."""


class PublishesKeys(Protocol):
    """Who signs assertions; `proxy.gate.asserting.Assertions` is one."""

    def published(self, now: float) -> tuple[Mapping[str, str], ...]:
        """Public JWKs of everything that may have signed one that is still good."""
