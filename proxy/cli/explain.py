"""`muster explain`: from a person's claims to what would happen to their account, each line with its reason. Asks nobody."""

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proxy.app.rules import courier_rules, idp_rules
from proxy.apps.capabilities import capabilities_of
from proxy.cli.configuration import configured
from proxy.cli.desk import at_desk, print_json
from proxy.cli.known import explain_known, named_groups
from proxy.cli.preset import chosen_preset, logins_of
from proxy.errors import Problem, SettingsError
from proxy.groups.claim import ClaimReading, ClaimRules, explain_groups
from proxy.identity import NOT_STATED, Identity, Subject
from proxy.oidc.claims import identity_without_id_token
from proxy.oidc.rules import IdpRules
from proxy.provisioning.explain import Explanation, explain
from proxy.settings.idp import Idp
from proxy.settings.model import Settings


def run(args: Namespace) -> int:
    """Print the explanation; 0 whether the person is admitted or not. Raises SettingsError for what cannot be read."""
    if args.session is not None:
        return at_desk(args, lambda desk: explain_known(desk, args))
    settings = configured(args)
    idp = idp_rules(_idp(settings, args))
    claims = read_claims(args.claims)
    reading = explain_groups(claims, idp.groups)
    explanation = _explain(settings, args, _identity(claims, idp, args.claims))
    if args.json:
        print_json({"reads": _read(reading), **explanation.document()})
    else:
        print("\n".join(_lines(reading, idp.groups, explanation)))
    return 0


def read_claims(path: Path) -> Mapping[str, Any]:
    """The JSON object in a file. Raises SettingsError with a sentence."""
    try:
        claims = json.loads(path.read_bytes())
    except OSError as error:
        raise _refusal(path, error.strerror or "it cannot be read") from None
    except (ValueError, RecursionError):
        raise _refusal(path, "this is not JSON") from None
    if not isinstance(claims, dict):
        raise _refusal(path, "the claims of an ID token are a JSON object")
    return claims


def _refusal(path: Path, message: str) -> SettingsError:
    return SettingsError((Problem(path="", line=None, message=message),), source=str(path))


def _idp(settings: Settings, args: Namespace) -> Idp:
    """The IdP that `--idp` names, or the only one."""
    ids = ", ".join(idp.id for idp in settings.idps)
    if args.idp is None and len(settings.idps) > 1:
        raise _refusal(args.config, f"several IdPs are configured: say which with --idp (there are {ids})")
    chosen = [idp for idp in settings.idps if args.idp in (None, idp.id)]
    if not chosen:
        raise _refusal(args.config, f"there is no IdP with the id {args.idp!r} (there are {ids})")
    return chosen[0]


def _identity(claims: Mapping[str, Any], idp: IdpRules, path: Path) -> Identity:
    """The statement that these claims make, taken as checked."""
    name = claims.get("sub")
    if not isinstance(name, str) or not name:
        raise _refusal(path, "the claim `sub` is missing: it says who this is about")
    issued = claims.get("iat", 0)
    at = float(issued) if isinstance(issued, (int, float)) else 0.0
    subject = Subject(issuer=idp.issuer, subject=name)
    unknown = Identity(
        subject=subject,
        idp=idp.id,
        email=None,
        is_email_verified=False,
        name=None,
        username=None,
        groups=NOT_STATED,
        stated_at=at,
    )
    return identity_without_id_token(unknown, claims, idp, now=at)


def _explain(settings: Settings, args: Namespace, identity: Identity) -> Explanation:
    preset = chosen_preset(settings, args.config)
    return explain(
        identity,
        courier_rules(settings, logins=logins_of(preset)),
        capabilities=capabilities_of(preset) if preset else None,
        app_groups=named_groups(args.app_groups),
    )


def _read(reading: ClaimReading) -> dict[str, Any]:
    groups = None if reading.groups is NOT_STATED else sorted(reading.groups)
    return {"groups": groups, "path": reading.path, "note": reading.note}


def _lines(reading: ClaimReading, rules: ClaimRules, explanation: Explanation) -> Iterator[str]:
    where = f"at `{reading.path}`" if reading.path else f"at none of {', '.join(rules.paths)}"
    yield f"{'reads':<11} groups {where}" + (f"  [{reading.note}]" if reading.note else "")
    yield from (str(line) for line in explanation.lines)
