"""What the operator says about one IdP's directory, as frozen records: one a product, and what all share.

Addresses have no trailing slash. Secrets are asked at every use, so that a rotated file is read again; they may raise OSError.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

Secret: TypeAlias = Callable[[], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeycloakRules:
    """`url` is the realm's admin API (`…/admin/realms/NAME`). `is_by_path`: groups are named `/parent/child`."""

    url: str
    token_url: str
    client_id: str
    secret: Secret = field(repr=False, compare=False)
    is_by_path: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OktaRules:
    """`url` is the organisation's origin. Either an API token, or a service app with its private key."""

    url: str
    token_url: str
    token: Secret | None = field(default=None, repr=False, compare=False)
    client_id: str | None = None
    key: Secret | None = field(default=None, repr=False, compare=False)
    key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraRules:
    """`url` is Microsoft Graph's origin, `token_url` the tenant's token endpoint."""

    url: str
    token_url: str
    client_id: str
    secret: Secret = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleRules:
    """`key` gives the service account's key as JSON; `admin` is the administrator it acts for. Addresses outside `domains`
    (lower case) are other organisations' people, or nobody's."""

    url: str
    token_url: str
    key: Secret = field(repr=False, compare=False)
    admin: str
    domains: frozenset[str]


ProductRules: TypeAlias = KeycloakRules | OktaRules | EntraRules | GoogleRules


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryRules:
    """One directory. `is_subject_id`: a subject is a person's id there too. `timeout` is seconds for one question in all.

    `is_telling_groups`: it is asked for groups where the sign-in states none.
    """

    product: ProductRules
    is_subject_id: bool = True
    is_telling_groups: bool = False
    timeout: float = 5.0
