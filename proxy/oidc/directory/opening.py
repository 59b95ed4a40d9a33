"""Opens the directory that the rules describe, over the shared HTTP session. Nothing is asked yet."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

import aiohttp

from proxy.oidc.directory import entra, google, keycloak, okta
from proxy.oidc.directory.bounded import ANY_ID, BoundedDirectory, Product
from proxy.oidc.directory.calls import Calls
from proxy.oidc.directory.proof import AccessToken, Form, Proof, StandingToken
from proxy.oidc.directory.rules import (
    DirectoryRules,
    EntraRules,
    GoogleRules,
    KeycloakRules,
    OktaRules,
)
from proxy.oidc.rules import IdpRules
from proxy.oidc.transport import Transport
from proxy.provisioning.directory import Directory, Unknown


def open_directory(
    rules: DirectoryRules, idp: IdpRules, http: aiohttp.ClientSession, *, clock: Callable[[], float]
) -> Directory:
    """The directory of this IdP; its authorities (`ca_file`) are the IdP's. `clock` is the wall clock in seconds."""
    transport = Transport(replace(idp, timeout=rules.timeout), http)
    product = rules.product

    def calls(proof: Proof) -> Calls:
        return Calls(transport, proof, clock=clock)

    def granted(form: Callable[[float], Form | Unknown]) -> Calls:
        return calls(AccessToken(transport, product.token_url, form))

    match product:
        case KeycloakRules():
            api = keycloak.KeycloakDirectory(product, granted(lambda now: keycloak.client_form(product)))
            return _bounded(api, ANY_ID, rules)
        case OktaRules():
            form = okta.service_form(product, is_telling_groups=rules.is_telling_groups)
            proven = calls(StandingToken("SSWS", product.token)) if product.token else granted(form)
            return _bounded(okta.OktaDirectory(product, proven), okta.PERSON, rules)
        case EntraRules():
            microsoft = entra.EntraDirectory(product, granted(lambda now: entra.client_form(product)))
            return _bounded(microsoft, entra.PERSON, rules)
        case GoogleRules():
            form = google.delegated_form(product, is_telling_groups=rules.is_telling_groups)
            return _bounded(google.GoogleDirectory(product, granted(form)), google.PERSON, rules)
        case _:
            assert_never(product)


def _bounded(product: Product, spelling: re.Pattern[str], rules: DirectoryRules) -> Directory:
    return BoundedDirectory(
        product, spelling=spelling, is_subject_id=rules.is_subject_id, timeout=rules.timeout
    )
