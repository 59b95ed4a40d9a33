"""Okta's directory: the Users API, under an API token or a service app with a private key.

Sources: Okta "Users" and "User Resources" API reference, "Implement OAuth for Okta with a service app", "User account status".
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlencode

from proxy.identity import GroupName
from proxy.oidc.assertion import read_key, sign_assertion
from proxy.oidc.directory.absence import judge_absence
from proxy.oidc.directory.calls import Calls, Missing, Page, unreadable
from proxy.oidc.directory.names import group_names
from proxy.oidc.directory.proof import Form, misconfigured, secret_of
from proxy.oidc.directory.rules import OktaRules
from proxy.provisioning.directory import Active, Standing, Suspended, Unknown

PERSON: Final = re.compile(r"00u[0-9A-Za-z]{17}")
"""A user's id. Okta takes logins in its place, and even the part before the @: anything else must not be sent as an id."""

_ACTIVE: Final = frozenset({"ACTIVE", "PASSWORD_EXPIRED", "RECOVERY", "LOCKED_OUT", "STAGED", "PROVISIONED"})
_SUSPENDED: Final = frozenset({"SUSPENDED", "DEPROVISIONED"})


def service_form(rules: OktaRules, *, is_telling_groups: bool) -> Callable[[float], Form | Unknown]:
    """The client-credentials grant by `private_key_jwt` (OpenID Connect Core §9)."""
    scopes = "okta.users.read okta.groups.read" if is_telling_groups else "okta.users.read"

    def form(now: float) -> Form | Unknown:
        text = secret_of(rules.key or (lambda: None))
        if isinstance(text, Unknown):
            return text
        key = read_key(text, rules.key_id)
        if key is None or rules.client_id is None:
            return misconfigured("key_unreadable")
        client = rules.client_id
        assertion = sign_assertion(key, issuer=client, subject=client, audience=rules.token_url, now=now)
        return {
            "grant_type": "client_credentials",
            "scope": scopes,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }

    return form


class OktaDirectory:
    """One Okta organisation."""

    def __init__(self, rules: OktaRules, calls: Calls) -> None:
        self._calls = calls
        self._users = f"{rules.url}/api/v1/users"

    async def standing(self, person: str, email: str | None) -> Standing:
        """By the status, else by `absence.py` (a user who was deleted after having been deactivated is 404)."""
        page = await self._calls.read(f"{self._users}/{quote(person, safe='')}")
        match page:
            case Page():
                return standing_of(page.member("status"))
            case Missing():
                address = None if email is None else lambda: self._shows(filter=_address(email))
                return await judge_absence(page, self._shows, address)
        return page

    async def groups(self, person: str) -> frozenset[GroupName] | Missing | Unknown:
        """All of the person's groups, imported ones too, by name as in Okta's groups claim without a filter."""
        url = f"{self._users}/{quote(person, safe='')}/groups?limit=200"
        groups = await self._calls.every(url, lambda page, length: page.next_url)
        if not isinstance(groups, list):
            return groups
        profiles = [group.get("profile") for group in groups]
        return group_names(profile.get("name") if isinstance(profile, dict) else None for profile in profiles)

    async def _shows(self, **query: str) -> bool | Unknown:
        return await self._calls.shows_any(f"{self._users}?{urlencode({**query, 'limit': '1'})}")


def _address(email: str) -> str:
    escaped = email.replace("\\", "\\\\").replace('"', '\\"')
    return f'profile.email eq "{escaped}"'


def standing_of(status: object) -> Standing:
    """
    | `status`               | what happened                                      | standing  |
    |------------------------|----------------------------------------------------|-----------|
    | ACTIVE                 |                                                    | Active    |
    | PASSWORD_EXPIRED       | a new password is due                              | Active    |
    | RECOVERY               | a new password was asked for                       | Active    |
    | LOCKED_OUT             | wrong passwords, anybody's; an attacker can do it  | Active    |
    | STAGED, PROVISIONED    | made, or activated again; not signed in since      | Active    |
    | SUSPENDED              | by an administrator                                | Suspended |
    | DEPROVISIONED          | deactivated by an administrator or the HR system   | Suspended |
    | anything else          | a status newer than this table                     | Unknown   |

    Active means that nobody took the person's access away, not that they can sign in at this moment.
    """
    if status in _ACTIVE:
        return Active()
    if isinstance(status, str) and status in _SUSPENDED:
        return Suspended(marker=status)
    return unreadable()
