"""Everything the demo IdP remembers and can be told to do; survives its listener."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any

from proxy.demo.idp_grants import Fault, Grant, Grants
from proxy.demo.idp_keys import Algorithm, SigningKeys
from proxy.demo.people import Person


@unique
class Outage(StrEnum):
    """How the IdP answers everything but its control page: as it should, with 503, or by closing the connection."""

    NONE = "none"
    UNAVAILABLE = "unavailable"
    CLOSING = "closing"


@dataclass(slots=True, kw_only=True)
class Account:
    """A person as the control page left them."""

    person: Person
    groups: tuple[str, ...]
    is_groups_claim_left_out: bool = False
    is_suspended: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "login": self.person.login,
            "name": self.person.name,
            "email": self.person.email,
            "subject": self.person.subject,
            "groups": list(self.groups),
            "omit_groups": self.is_groups_claim_left_out,
            "suspended": self.is_suspended,
        }

    def claims(self) -> dict[str, Any]:
        """What the ID token and userinfo say about the person."""
        claims: dict[str, Any] = {
            "sub": self.person.subject,
            "name": self.person.name,
            "email": self.person.email,
            "email_verified": self.person.is_email_verified,
            "preferred_username": self.person.login,
        }
        if self.person.hosted_domain is not None:
            claims["hd"] = self.person.hosted_domain
        return claims if self.is_groups_claim_left_out else {**claims, "groups": list(self.groups)}


@dataclass(slots=True, kw_only=True)
class IdpOptions:
    """How this IdP behaves. Lives are in seconds; `refresh_life` None means that refresh tokens do not expire.

    `denied_marker` is the error_description for a suspended person; None answers a bare `invalid_grant`, as Okta and Google do.
    `heeds_step_up` False passes over `acr_values` and `max_age`, as some IdPs do; `states_auth_time` False leaves the claim out.
    `token_delay` holds back every token answer, for tests that kill somebody meanwhile. `access_audience`: access tokens are
    JWTs for this audience; None: they are opaque.
    """

    client_id: str = "muster"
    heeds_step_up: bool = True
    states_auth_time: bool = True
    client_secret: str | None = field(default=None, repr=False)
    algorithm: Algorithm = "RS256"
    access_life: float = 300.0
    id_token_life: float = 300.0
    code_life: float = 60.0
    refresh_life: float | None = None
    issues_refresh_tokens: bool = True
    rotates_refresh_tokens: bool = True
    refresh_has_id_token: bool = True
    denied_marker: str | None = "User disabled"
    token_delay: float = 0.0
    access_audience: str | None = None


class IdpState:
    """The IdP's memory: accounts, grants, keys, figures. `issuer` is set when the listener starts."""

    def __init__(self, people: Iterable[Person], options: IdpOptions) -> None:
        self.issuer = ""
        self.options = options
        self.accounts = {person.login: Account(person=person, groups=person.groups) for person in people}
        self.grants = Grants()
        self.keys = SigningKeys(options.algorithm)
        self.outage = Outage.NONE
        self.answers: Counter[str] = Counter()
        self.refreshes: Counter[str] = Counter()
        self.redeemed: Counter[str] = Counter()
        self.introspections = 0

    def now(self) -> float:
        return time.time()

    def count(self, grant_type: str, answer: Grant | Fault) -> None:
        """Note a token call: its answer, and whom and which grant it was about."""
        if isinstance(answer, Fault):
            self.answers[f"{grant_type} {answer.error}"] += 1
            return
        self.answers[f"{grant_type} ok"] += 1
        answer.token_calls += 1
        (self.refreshes if grant_type == "refresh_token" else self.redeemed)[answer.login] += 1

    def statistics(self) -> dict[str, Any]:
        """The token calls so far: by answer, by person, by grant."""
        return {
            "token_calls": sum(self.answers.values()),
            "answers": dict(self.answers),
            "refreshes": dict(self.refreshes),
            "sign_ins": dict(self.redeemed),
            "by_grant": {grant.id: grant.token_calls for grant in self.grants.all.values()},
            "revoked_grants": sum(grant.is_revoked for grant in self.grants.all.values()),
        }

    def suspend(self, login: str) -> None:
        """From now on the person cannot sign in and refreshes are refused; nothing is spent or revoked, so it can be undone."""
        self.accounts[login].is_suspended = True
        self.grants.forget_visits(login)

    def as_json(self) -> dict[str, Any]:
        """The whole state for the control page; secrets stay out."""
        return {
            "issuer": self.issuer,
            "outage": self.outage.value,
            "access_life": self.options.access_life,
            "denied_marker": self.options.denied_marker,
            "people": [account.as_json() for account in self.accounts.values()],
            "statistics": self.statistics(),
        }
