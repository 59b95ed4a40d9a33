"""Microsoft Entra's directory: Microsoft Graph v1.0, under an app registration with application permissions.

Sources: Microsoft Graph "Get user", "directoryObject: getMemberObjects", "Microsoft Graph error responses and resource types";
"OAuth 2.0 client credentials flow on the Microsoft identity platform".
"""

import re
from typing import Final
from urllib.parse import urlencode

from proxy.identity import GroupName
from proxy.oidc.directory.absence import judge_absence
from proxy.oidc.directory.calls import Calls, Missing, Page, unreadable
from proxy.oidc.directory.names import group_names
from proxy.oidc.directory.proof import Form, misconfigured, secret_of
from proxy.oidc.directory.rules import EntraRules
from proxy.provisioning.directory import Active, Standing, Suspended, Unknown

PERSON: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""An object id. The subject of an ID token is another thing there: a different one for every application."""

_ABSENT: Final = "http_404 Request_ResourceNotFound"


def client_form(rules: EntraRules) -> Form | Unknown:
    """The client-credentials grant for everything that was consented to."""
    secret = secret_of(rules.secret)
    if isinstance(secret, Unknown):
        return secret
    return {
        "grant_type": "client_credentials",
        "client_id": rules.client_id,
        "client_secret": secret,
        "scope": f"{rules.url}/.default",
    }


class EntraDirectory:
    """One tenant."""

    def __init__(self, rules: EntraRules, calls: Calls) -> None:
        self._calls = calls
        self._users = f"{rules.url}/v1.0/users"

    async def standing(self, person: str, email: str | None) -> Standing:
        """By `accountEnabled`, else by `absence.py`. Somebody in the recycle bin is 404 as well."""
        page = await self._calls.read(f"{self._users}/{person}?{urlencode({'$select': 'accountEnabled,id'})}")
        match page:
            case Page():
                return standing_of(page)
            case Missing() if page.code == _ABSENT:
                address = None if email is None else lambda: self._shows(**{"$filter": address_filter(email)})
                return await judge_absence(page, self._shows, address)
            case Missing():
                return misconfigured(page.code)
        return page

    async def groups(self, person: str) -> frozenset[GroupName] | Missing | Unknown:
        """The object ids of all groups, nested ones included, and of directory roles: what the groups claim would hold."""
        url = f"{self._users}/{person}/getMemberObjects"
        page = await self._calls.read(url, {"securityEnabledOnly": False})
        if not isinstance(page, Page):
            return page
        ids = page.member("value")
        is_whole = isinstance(ids, list) and page.member("@odata.nextLink") is None
        return group_names(ids) if isinstance(ids, list) and is_whole else unreadable()

    async def _shows(self, **query: str) -> bool | Unknown:
        wanted = urlencode({**query, "$select": "id", "$top": "1"})
        return await self._calls.shows_any(f"{self._users}?{wanted}", "value")


def address_filter(email: str) -> str:
    """OData, where a quote is doubled."""
    quoted = email.replace("'", "''")
    return f"mail eq '{quoted}' or userPrincipalName eq '{quoted}'"


def standing_of(page: Page) -> Standing:
    """
    | `accountEnabled` | standing                                                                  |
    |------------------|---------------------------------------------------------------------------|
    | true             | Active                                                                    |
    | false            | Suspended                                                                 |
    | null, left out   | Unknown, misconfigured: the permission (`User.ReadBasic.All`) is too narrow |
    | other            | Unknown                                                                   |
    """
    match page.member("accountEnabled"):
        case True:
            return Active()
        case False:
            return Suspended(marker="accountEnabled=false")
        case None if isinstance(page.member("id"), str):
            return misconfigured("account_enabled_hidden")
    return unreadable()
