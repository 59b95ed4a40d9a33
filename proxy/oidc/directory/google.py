"""Google Workspace's directory: the Admin SDK Directory API, by a service account with domain-wide delegation.

Sources: Admin SDK "REST Resource: users", "REST Resource: groups", "Method: groups.list"; "Using OAuth 2.0 for Server to Server
Applications". Absent members of an answer mean false or none there.
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
from proxy.oidc.directory.proof import Form, error_code, misconfigured, secret_of
from proxy.oidc.directory.rules import GoogleRules
from proxy.oidc.json_body import parse_object
from proxy.provisioning.directory import Active, Cause, Gone, Standing, Suspended, Unknown

PERSON: Final = re.compile(r"[0-9]{1,40}")
"""A user's id, which is also the subject of the ID token."""

_SCOPE: Final = "https://www.googleapis.com/auth/admin.directory"


def delegated_form(rules: GoogleRules, *, is_telling_groups: bool) -> Callable[[float], Form | Unknown]:
    """The JWT-bearer grant (RFC 7523 §2.1), acting for the administrator.

    One scope more than was delegated refuses the whole request: groups are asked for only where they are wanted.
    """
    scopes = [f"{_SCOPE}.user.readonly", *([f"{_SCOPE}.group.readonly"] if is_telling_groups else [])]

    def form(now: float) -> Form | Unknown:
        text = secret_of(rules.key)
        if isinstance(text, Unknown):
            return text
        document = parse_object(text.encode()) or {}
        account, pem, key_id = (
            document.get(name) for name in ("client_email", "private_key", "private_key_id")
        )
        key = read_key(pem, key_id if isinstance(key_id, str) else None) if isinstance(pem, str) else None
        if key is None or not isinstance(account, str):
            return misconfigured("key_unreadable")
        assertion = sign_assertion(
            key,
            issuer=account,
            subject=rules.admin,
            audience=rules.token_url,
            now=now,
            scope=" ".join(scopes),
        )
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}

    return form


class GoogleDirectory:
    """One Workspace customer."""

    def __init__(self, rules: GoogleRules, calls: Calls) -> None:
        self._rules = rules
        self._calls = calls
        self._api = f"{rules.url}/admin/directory/v1"

    async def standing(self, person: str, email: str | None) -> Standing:
        """By the resource, else by `absence.py`; people of other organisations are nobody's to judge here."""
        if not self._is_ours(email):
            return Unknown(detail="address_elsewhere", cause=Cause.NOT_COVERED)
        page = await self._calls.read(self._user(person))
        match page:
            case Page():
                return standing_of(page)
            case Missing():
                address = None if email is None else lambda: self._shows(email)
                return await judge_absence(page, lambda: self._shows(self._rules.admin), address)
        return page

    async def groups(self, person: str) -> frozenset[GroupName] | Missing | Unknown:
        """The addresses of the groups that the person is a direct member of."""
        query = urlencode({"userKey": person, "maxResults": "200"})
        url = f"{self._api}/groups?{query}"

        def following(page: Page, length: int) -> str | None:
            token = page.member("nextPageToken")
            return f"{url}&{urlencode({'pageToken': token})}" if token else None

        groups = await self._calls.every(url, following, _groups_of)
        return group_names(group.get("email") for group in groups) if isinstance(groups, list) else groups

    async def _shows(self, user: str) -> bool | Unknown:
        page = await self._calls.read(self._user(user))
        return page if isinstance(page, Unknown) else isinstance(page, Page)

    def _user(self, user: str) -> str:
        return f"{self._api}/users/{quote(user, safe='')}?projection=basic"

    def _is_ours(self, email: str | None) -> bool:
        name, _, domain = (email or "").rpartition("@")
        return bool(name) and domain.lower() in self._rules.domains


def _groups_of(page: Page) -> list[dict[str, object]] | None:
    """No groups at all leave the list out."""
    if page.member("groups") is None:
        return [] if page.member("kind") == "admin#directory#groups" else None
    return page.items("groups")


def standing_of(page: Page) -> Standing:
    """
    | the resource                     | standing                                                    |
    |----------------------------------|-------------------------------------------------------------|
    | `suspended: true`                | Suspended, with `suspensionReason` (ADMIN, ABUSE, …)        |
    | `archived: true`                 | Suspended: an archived user's licence lets nobody in        |
    | `deletionTime` is there          | Gone                                                        |
    | neither; `id` is there           | Active                                                      |
    | no `id`, or no truth value there | Unknown                                                     |
    """
    suspended, archived = page.member("suspended") or False, page.member("archived") or False
    if (
        not isinstance(page.member("id"), str)
        or not isinstance(suspended, bool)
        or not isinstance(archived, bool)
    ):
        return unreadable()
    if page.member("deletionTime"):
        return Gone(marker="deletionTime")
    if suspended:
        return Suspended(marker=f"suspended{error_code(page.member('suspensionReason'))}")
    return Suspended(marker="archived") if archived else Active()
