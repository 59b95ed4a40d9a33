"""The doctor on what one IdP says: groups, and refresh tokens. What was seen in sign-ins counts more than what is announced."""

from collections.abc import Iterable, Mapping
from typing import Final

from proxy.cli.doctor_files import Stored
from proxy.cli.doctor_finding import Finding, Findings, ok, warning
from proxy.cli.doctor_idp import named
from proxy.identity import NOT_STATED
from proxy.settings.idp import Idp

LAST: Final = 20
"""How many people's last statements are looked at."""

_WITHOUT_SCOPE: Final = frozenset({"keycloak", "google"})
"""Kinds that give refresh tokens without `offline_access`: Keycloak always, Google by a parameter."""


def examine_statements(
    idp: Idp, announced: Mapping[str, object] | None, stored: Stored, *, follows_groups: bool
) -> Findings:
    """`announced` is the discovery document, None where there is none; `follows_groups` as `groups.enabled`."""
    found: Findings = []
    if announced is not None or any(source == idp.id for source, _ in stored.refreshable):
        found.append(_refresh(idp, announced or {}, stored))
    if follows_groups and (announced is not None or any(one.idp == idp.id for one in stored.vouched)):
        found.append(_groups(idp, announced or {}, stored))
    return found


def _refresh(idp: Idp, announced: Mapping[str, object], stored: Stored) -> Finding:
    check = named(idp, "refresh tokens")
    held = [has for source, has in stored.refreshable if source == idp.id]
    if any(held):
        return ok(check, f"{sum(held)} of {len(held)} sessions hold one")
    advice = _how_to_get_one(idp, announced)
    if held:
        seen = f"none of {len(held)} sessions holds one: people are asked silently, when they open a page"
        return warning(check, seen, advice)
    grants = _words(announced, "grant_types_supported")
    if grants is not None and "refresh_token" not in grants:
        return warning(check, "the IdP does not announce the grant refresh_token", advice)
    if advice and idp.kind == "google":
        return warning(check, "none: Google gives one for access_type=offline alone", advice)
    if advice:
        return warning(check, "maybe none: the IdP offers offline_access, and it is not asked for", advice)
    return ok(check, "likely: nobody is signed in yet to see one")


def _how_to_get_one(idp: Idp, announced: Mapping[str, object]) -> str:
    """Empty where what is asked for should do."""
    if idp.kind == "google":
        is_offline = idp.extra_parameters.get("access_type") == "offline"
        return "" if is_offline else "write extra_parameters: {access_type: offline, prompt: consent}"
    offers = "offline_access" in (_words(announced, "scopes_supported") or ())
    if offers and "offline_access" not in idp.scopes and idp.kind not in _WITHOUT_SCOPE:
        return "add offline_access to scopes"
    return ""


def _groups(idp: Idp, announced: Mapping[str, object], stored: Stored) -> Finding:
    check = named(idp, "groups")
    lately = [identity for identity in stored.vouched if identity.idp == idp.id][:LAST]
    stating = sum(identity.groups is not NOT_STATED for identity in lately)
    if lately and stating == len(lately):
        return ok(check, f"stated for each of the last {len(lately)} people")
    if stating:
        seen = f"stated for {stating} of the last {len(lately)} people; nobody loses a group by silence"
        return warning(
            check, seen, "if the IdP leaves the claim out for nobody's groups: absent_groups: empty"
        )
    advice = f"have the IdP send {_paths(idp)} (scope or mapper), or put claims.groups right"
    if lately:
        return warning(check, f"not stated for any of the last {len(lately)} people", advice)
    return _announced_groups(idp, check, announced, advice)


def _announced_groups(idp: Idp, check: str, announced: Mapping[str, object], advice: str) -> Finding:
    """Before the first sign-in; many IdPs do not announce every claim."""
    if idp.directory is not None and idp.directory.groups:
        return ok(check, "asked of the directory where a sign-in states none")
    claims = _words(announced, "claims_supported") or ()
    if any(path in claims or path.partition(".")[0] in claims for path in idp.claims.groups):
        return ok(check, f"the IdP announces {_paths(idp)}; nobody has signed in yet")
    return warning(check, f"nobody has signed in yet, and the IdP does not announce {_paths(idp)}", advice)


def _paths(idp: Idp) -> str:
    return " or ".join(f"`{path}`" for path in idp.claims.groups)


def _words(announced: Mapping[str, object], name: str) -> tuple[str, ...] | None:
    stated = announced.get(name)
    return tuple(_texts(stated)) if isinstance(stated, list) else None


def _texts(values: Iterable[object]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str))
