"""`muster doctor`: looks at everything that Muster stands between, and changes nothing anywhere.

| module               | looks at |
|----------------------|----------|
| doctor_files         | the configuration, the key file, the store |
| doctor_listener      | the certificate of `tls` |
| doctor_idp           | discovery, keys, clock, client credentials of each IdP |
| doctor_statements    | what each IdP says: groups, refresh tokens |
| doctor_directory     | each IdP's directory |
| doctor_app           | the app's admin API |
| doctor_upstream      | apps on https and on Unix sockets: their certificates |
| doctor_around        | the app's port without Muster: forged headers, its own password form |
| doctor_public        | the public address and its certificate |
| doctor_forward_auth  | the proxy in front, where it asks about each request |

Every exchange ends within five seconds; partners are examined side by side.
"""

import asyncio
from argparse import Namespace
from pathlib import Path

import aiohttp

from proxy.app.effective import Effective
from proxy.app.observers import Observers
from proxy.app.rooms import open_admin
from proxy.apps.preset import Preset
from proxy.cli.desk import print_json, quiet
from proxy.cli.doctor_app import examine_app
from proxy.cli.doctor_around import examine_around
from proxy.cli.doctor_callback import examine_callback
from proxy.cli.doctor_directory import examine_directory
from proxy.cli.doctor_files import Stored, examine_configuration, examine_store
from proxy.cli.doctor_finding import Findings, bounded, failed, has_failed, overall, print_findings
from proxy.cli.doctor_forward_auth import examine_forward_auth
from proxy.cli.doctor_http import SECONDS, open_http
from proxy.cli.doctor_idp import examine_idp
from proxy.cli.doctor_listener import examine_listener
from proxy.cli.doctor_public import examine_public
from proxy.cli.doctor_statements import examine_statements
from proxy.cli.doctor_upstream import examine_upstreams
from proxy.cli.preset import chosen_preset
from proxy.errors import SettingsError
from proxy.settings.idp import Idp
from proxy.settings.model import Settings


def run(args: Namespace) -> int:
    """0 when nothing failed (warnings may have been found), else 1."""
    found = examine(args.config)
    if args.json:
        document = {"result": overall(found).value, "checks": [one.document() for one in found]}
        print_json(document)
    else:
        print_findings(found)
    return 1 if has_failed(found) else 0


def examine(path: Path) -> Findings:
    """Everything, in the order of the module's table."""
    settings, found = examine_configuration(path)
    if settings is None:
        return found
    stored, seen = examine_store(settings)
    preset, doubts = _preset(settings, path)
    own = examine_listener(settings)
    return [*found, *seen, *doubts, *own, *asyncio.run(_partners(settings, preset, stored))]


def _preset(settings: Settings, path: Path) -> tuple[Preset | None, Findings]:
    try:
        return chosen_preset(settings, path), []
    except SettingsError as error:
        return None, [failed("app: preset", str(problem), "muster check --app") for problem in error.problems]


async def _partners(settings: Settings, preset: Preset | None, stored: Stored) -> Findings:
    async with open_http() as http:
        examined = await asyncio.gather(
            *(bounded(f"idp {idp.id}", _idp(idp, settings, stored, http)) for idp in settings.idps),
            bounded("upstream", examine_upstreams(settings)),
            bounded("app", _app(settings, preset, stored, http)),
            bounded("public address", examine_public(settings, http)),
            bounded("forward-auth", examine_forward_auth(settings, http)),
        )
    return [one for findings in examined for one in findings]


async def _idp(idp: Idp, settings: Settings, stored: Stored, http: aiohttp.ClientSession) -> Findings:
    (announced, found), of_directory = await asyncio.gather(
        examine_idp(idp, http),
        bounded(f"idp {idp.id}: directory", examine_directory(idp, stored, http)),
    )
    document = announced.document if announced is not None else None
    callback = examine_callback(settings, idp, announced.metadata if announced is not None else None)
    said = examine_statements(idp, document, stored, follows_groups=settings.groups.enabled)
    return [*found, callback, *said, *of_directory]


async def _app(
    settings: Settings, preset: Preset | None, stored: Stored, http: aiohttp.ClientSession
) -> Findings:
    login, found = await _admin(settings, preset, stored, http)
    probe = preset.login_probe if preset else None
    return [*found, *await examine_around(settings, http, login=login or stored.login, probe=probe)]


async def _admin(
    settings: Settings, preset: Preset | None, stored: Stored, http: aiohttp.ClientSession
) -> tuple[str | None, Findings]:
    if settings.app is None or preset is None:
        return None, []
    patient = settings.app.model_copy(update={"timeout": min(settings.app.timeout, SECONDS)})
    admin = open_admin(patient, Observers(quiet()), http)
    held = Effective(settings, stored.ruled)
    return await examine_app(settings, patient, preset, admin, held, stored)
