"""Keycloak's directory: its Admin REST API, under a client with a service account.

Source: Keycloak "Admin REST API" (UserRepresentation, `GET /admin/realms/{realm}/users/{user-id}` and `…/groups`); a person who
is not there is 404 `{"error":"User not found"}` for a token that may query users, and 403 for others.
"""

from typing import Final
from urllib.parse import quote, urlencode

from proxy.identity import GroupName
from proxy.oidc.directory.absence import judge_absence
from proxy.oidc.directory.calls import Calls, Missing, Page, unreadable
from proxy.oidc.directory.names import group_names
from proxy.oidc.directory.proof import Form, secret_of
from proxy.oidc.directory.rules import KeycloakRules
from proxy.provisioning.directory import Active, Standing, Suspended, Unknown

PAGE: Final = 100


def client_form(rules: KeycloakRules) -> Form | Unknown:
    """The client-credentials grant (RFC 6749 §4.4)."""
    secret = secret_of(rules.secret)
    if isinstance(secret, Unknown):
        return secret
    return {"grant_type": "client_credentials", "client_id": rules.client_id, "client_secret": secret}


class KeycloakDirectory:
    """One realm."""

    def __init__(self, rules: KeycloakRules, calls: Calls) -> None:
        self._rules = rules
        self._calls = calls
        self._users = f"{rules.url}/users"

    async def standing(self, person: str, email: str | None) -> Standing:
        """By the representation, else by `absence.py`."""
        page = await self._calls.read(self._user(person))
        match page:
            case Page():
                return standing_of(page.member("enabled"))
            case Missing():
                address = None if email is None else lambda: self._shows(email=email, exact="true")
                return await judge_absence(page, self._shows, address)
        return page

    async def groups(self, person: str) -> frozenset[GroupName] | Missing | Unknown:
        """The groups that the person is a direct member of, as Keycloak's own mapper states them."""
        seen = 0

        def following(page: Page, length: int) -> str | None:
            nonlocal seen
            seen += length
            return self._groups(person, seen) if length >= PAGE else None

        groups = await self._calls.every(self._groups(person, 0), following)
        if not isinstance(groups, list):
            return groups
        return group_names(group.get("path" if self._rules.is_by_path else "name") for group in groups)

    async def _shows(self, **query: str) -> bool | Unknown:
        wanted = urlencode({**query, "max": "1", "briefRepresentation": "true"})
        return await self._calls.shows_any(f"{self._users}?{wanted}")

    def _user(self, person: str) -> str:
        return f"{self._users}/{quote(person, safe='')}"

    def _groups(self, person: str, first: int) -> str:
        return f"{self._user(person)}/groups?first={first}&max={PAGE}&briefRepresentation=true"


def standing_of(enabled: object) -> Standing:
    """
    | `enabled` | standing  |
    |-----------|-----------|
    | true      | Active; also while brute-force detection keeps the person out for some minutes |
    | false     | Suspended |
    | other     | Unknown   |
    """
    if enabled is True:
        return Active()
    return Suspended(marker="enabled=false") if enabled is False else unreadable()
