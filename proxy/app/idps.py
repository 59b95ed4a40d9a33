"""The IdPs as partners: a client of each for sign-ins and refreshes, and the directories of those that have one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp

from proxy.app import rules
from proxy.app.client_files import check_client_files
from proxy.identity import IdpId
from proxy.oidc.client import OidcClient
from proxy.oidc.directory.heard import HeardDirectory, Hears
from proxy.oidc.directory.opening import open_directory
from proxy.oidc.directory.rules import (
    DirectoryRules,
    EntraRules,
    GoogleRules,
    KeycloakRules,
    OktaRules,
    ProductRules,
)
from proxy.provisioning.directory import Directory
from proxy.settings import directory as directory_settings
from proxy.settings.idp import Idp
from proxy.settings.model import Settings
from proxy.settings.secrets import SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Idps:
    """Every configured IdP, over one HTTP session."""

    clients: tuple[OidcClient, ...]
    directories: Mapping[IdpId, Directory]


def open_idps(
    settings: Settings, http: aiohttp.ClientSession, hears: Hears, *, clock: Callable[[], float]
) -> Idps:
    """Nothing is asked yet. Raises SettingsError for a `ca_file` without certificates, and for what proves nothing of us."""
    check_client_files(settings)
    clients: list[OidcClient] = []
    directories: dict[IdpId, Directory] = {}
    for idp in settings.idps:
        idp_rules, asked = rules.idp_rules(idp), directory_rules(idp)
        if asked is not None:
            opened = open_directory(asked, idp_rules, http, clock=clock)
            directories[idp_rules.id] = HeardDirectory(opened, idp_rules.id, hears)
        is_telling = asked is not None and asked.is_telling_groups
        telling = directories[idp_rules.id] if is_telling else None
        clients.append(OidcClient(idp_rules, http, group_directory=telling))
    return Idps(clients=tuple(clients), directories=directories)


def directory_rules(idp: Idp) -> DirectoryRules | None:
    """The rules of this IdP's directory, if it has one. The settings were checked: what its kind needs is there."""
    directory = idp.directory
    if directory is None:
        return None
    return DirectoryRules(
        product=_product(directory, idp),
        is_subject_id=directory.id_claim == "sub",
        is_telling_groups=directory.groups,
        timeout=directory.timeout,
    )


def _product(directory: directory_settings.Directory, idp: Idp) -> ProductRules:
    places = directory.places(idp.issuer)
    assert places is not None, "checked with the settings"
    url, token_url = places.url, places.token_url
    client_id = directory.client_id or idp.client_id
    secret = _reader(directory.client_secret or idp.client_secret)
    key = _reader(directory.key)
    match directory.kind:
        case "keycloak":
            is_by_path = directory.group_names == "path"
            return KeycloakRules(
                url=url, token_url=token_url, client_id=client_id, secret=secret, is_by_path=is_by_path
            )
        case "okta":
            return OktaRules(
                url=url,
                token_url=token_url,
                token=_reader(directory.token) if directory.token else None,
                client_id=directory.client_id,
                key=key,
                key_id=directory.key_id,
            )
        case "entra":
            return EntraRules(url=url, token_url=token_url, client_id=client_id, secret=secret)
        case "google":
            admin = directory.admin or ""
            domains = directory.domains or (admin.rpartition("@")[2],)
            return GoogleRules(
                url=url,
                token_url=token_url,
                key=key,
                admin=admin,
                domains=frozenset(domain.lower() for domain in domains),
            )


def _reader(secret: SecretRef | None) -> Callable[[], str | None]:
    return secret.reader() if secret is not None else lambda: None
