"""The doctor at an IdP's directory: it is asked about one person, as the sweep would ask. Nothing follows from the answer.

The canary is who was vouched for last. Where nobody was, it is somebody made up: a directory that works says that they are not
there, and proves that it shows others.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import aiohttp

from proxy.app.idps import directory_rules
from proxy.app.rules import idp_rules
from proxy.cli.doctor_files import Stored
from proxy.cli.doctor_finding import Finding, Findings, failed, ok, warning
from proxy.cli.doctor_http import SECONDS
from proxy.cli.doctor_idp import named
from proxy.identity import Identity, Subject
from proxy.oidc.directory.opening import open_directory
from proxy.provisioning.directory import Active, Cause, Directory, Gone, Standing, Suspended, Unknown
from proxy.settings.idp import Idp

_NOBODY: Final[Mapping[str, str]] = {
    "keycloak": "00000000-0000-4000-8000-000000000000",
    "entra": "00000000-0000-4000-8000-000000000000",
    "okta": "00u00000000000000000",
    "google": "1",
}
_ADVICE: Final[Mapping[Cause, str]] = {
    Cause.TROUBLE: "see that this machine reaches it",
    Cause.MISCONFIGURED: "see docs/directories.md: its credential and its rights",
    Cause.NOT_COVERED: "their id is stated at the next sign-in",
}


async def examine_directory(idp: Idp, stored: Stored, http: aiohttp.ClientSession) -> Findings:
    """Empty where none is configured."""
    rules = directory_rules(idp)
    if rules is None or idp.directory is None:
        return []
    rules = replace(rules, timeout=min(rules.timeout, SECONDS))
    directory = open_directory(rules, idp_rules(idp), http, clock=time.time)
    known = next((one for one in stored.vouched if one.idp == idp.id), None)
    if known is not None:
        standing = await _ask(directory, known)
        if not (isinstance(standing, Unknown) and standing.cause is Cause.NOT_COVERED):
            found = [_of_person(named(idp, "directory"), known, standing)]
            return [*found, await _groups(idp, directory, known)] if rules.is_telling_groups else found
    nobody = Subject(issuer=idp.issuer, subject="muster-doctor")
    standing = await directory.ask(nobody, None, directory_id=_NOBODY[idp.directory.kind])
    return [_of_nobody(named(idp, "directory"), standing)]


async def _ask(directory: Directory, known: Identity) -> Standing:
    return await directory.ask(known.subject, known.email, directory_id=known.directory_id)


def _of_person(check: str, known: Identity, standing: Standing) -> Finding:
    who = known.email or known.subject.subject
    match standing:
        case Active():
            return ok(check, f"it answers: {who} is active")
        case Suspended(marker=marker) | Gone(marker=marker):
            return ok(check, f"it answers: {who} is suspended or gone ({marker})")
        case Unknown():
            return _no_answer(check, standing)


def _of_nobody(check: str, standing: Standing) -> Finding:
    match standing:
        case Gone():
            return ok(check, "it answers: somebody made up is not there, others are")
        case Active() | Suspended():
            return warning(check, "it knows somebody made up", "see that it is the right directory")
        case Unknown():
            return _no_answer(check, standing)


def _no_answer(check: str, standing: Unknown) -> Finding:
    return failed(check, f"no answer about a person ({standing.detail})", _ADVICE[standing.cause])


async def _groups(idp: Idp, directory: Directory, known: Identity) -> Finding:
    check = named(idp, "directory groups")
    groups = await directory.groups(known.subject, known.email, directory_id=known.directory_id)
    if isinstance(groups, Unknown):
        return failed(check, f"no answer about groups ({groups.detail})", _ADVICE[groups.cause])
    return ok(check, f"it states {len(groups)} for {known.email or known.subject.subject}")
