"""The doctor at one IdP: what it announces, its keys and clock, and whether it takes our client credentials.

The credentials are tried with one token request for a refresh token that never was (RFC 6749 §5.2): a client that is known is
answered `invalid_grant`, another one `invalid_client`. It is harmless: nobody's grant is touched, nothing is issued; the IdP may
write a failed request into its own log.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from proxy.app.client_files import FAULTS
from proxy.app.rules import idp_rules
from proxy.cli.doctor_client import Announced, examine_client
from proxy.cli.doctor_finding import Finding, Findings, failed, ok, warning
from proxy.cli.doctor_http import SECONDS, Seen, Silent, get
from proxy.errors import NotTrusted
from proxy.oidc.json_body import read_json_object
from proxy.oidc.keys import read_keys
from proxy.oidc.metadata import Metadata, discovery_url, read_metadata
from proxy.oidc.outcome import TokenAnswer, classify
from proxy.oidc.proven import ProvenRequests
from proxy.oidc.rules import ClientAuth, IdpRules
from proxy.oidc.transport import trust
from proxy.session.model import AskAgain, Denied, Misconfigured, Trouble
from proxy.settings.idp import Idp

MOST_CLOCK_DIFFERENCE: Final = 30.0

_REACH: Final = "see that this machine reaches the IdP (name, firewall, proxy, ca_file)"
_FAULTS: Final[Mapping[str, str]] = {
    "discovery_incomplete": "an endpoint that is needed is missing in the discovery document",
    "discovery_bad_endpoint": "an announced endpoint is no plain address",
    "discovery_insecure_endpoint": "an https issuer announces an endpoint on plain http",
}


async def examine_idp(idp: Idp, http: aiohttp.ClientSession) -> tuple[Announced | None, Findings]:
    """What the IdP announces, None where it cannot be used. Raises SettingsError for a `ca_file` that is none."""
    rules = replace(idp_rules(idp), timeout=min(idp.timeout, SECONDS))
    proven, tls = ProvenRequests(rules, http), trust(rules)
    seen = await get(http, discovery_url(idp.issuer), tls=tls)
    announced, found = _announced(idp, seen, rules)
    found += _clock(idp, seen)
    if announced is None:
        return None, found
    found.append(_keys(idp, await get(http, announced.metadata.jwks_uri, tls=tls)))
    found += examine_client(named(idp, "client authentication"), rules, announced)
    found.append(await _client(idp, rules, announced.metadata, proven))
    return announced, found


def named(idp: Idp, what: str) -> str:
    return f"idp {idp.id}: {what}"


def _announced(idp: Idp, seen: Seen | Silent, rules: IdpRules) -> tuple[Announced | None, Findings]:
    check, url = named(idp, "discovery"), discovery_url(idp.issuer)
    if isinstance(seen, Silent):
        return None, [failed(check, f"{url}: {seen.detail}", _REACH)]
    document = read_json_object(seen.body, seen.content_type) if seen.status == 200 else None
    if document is None:
        what = f"{url} answers {seen.status}" + (", and not with JSON" if seen.status == 200 else "")
        return None, [failed(check, what, "see that `issuer` is the IdP's, with its path")]
    try:
        metadata = read_metadata(document, idp.issuer, is_mutual_tls=rules.client_auth.is_mutual_tls)
    except NotTrusted as refusal:
        return None, [_unusable(idp, document, refusal.code)]
    return Announced(document=document, metadata=metadata), [
        ok(check, f"{url} answers; issuer and endpoints fit")
    ]


def _unusable(idp: Idp, document: Mapping[str, object], code: str) -> Finding:
    check = named(idp, "discovery")
    if code == "discovery_issuer_mismatch":
        stated = str(document.get("issuer"))[:200]
        return failed(check, f"the issuer there is {stated!r}, not {idp.issuer!r}", f"write issuer: {stated}")
    return failed(check, _FAULTS.get(code, code), "see the IdP's settings")


def _clock(idp: Idp, seen: Seen | Silent) -> Iterator[Finding]:
    """By the Date header (RFC 9110 §6.6.1), which counts whole seconds."""
    if isinstance(seen, Silent):
        return
    check = named(idp, "clock")
    try:
        theirs = parsedate_to_datetime(seen.headers.get("Date", "")).timestamp()
    except ValueError:
        yield ok(check, "the IdP does not say what time it is")
        return
    ahead = seen.at - theirs
    if abs(ahead) <= MOST_CLOCK_DIFFERENCE:
        yield ok(check, f"it differs by {abs(ahead):.0f} s")
        return
    word = "ahead of" if ahead > 0 else "behind"
    advice = "set this machine's clock (NTP): tokens are refused when clocks disagree"
    yield warning(check, f"this machine is {abs(ahead):.0f} s {word} the IdP", advice)


def _keys(idp: Idp, seen: Seen | Silent) -> Finding:
    check, advice = named(idp, "keys"), "no ID token can be verified: see the IdP's signing keys"
    if isinstance(seen, Silent):
        return failed(check, f"jwks_uri: {seen.detail}", _REACH)
    document = read_json_object(seen.body, seen.content_type) if seen.status == 200 else None
    try:
        keys = read_keys(document or {})
    except NotTrusted:
        return failed(check, f"jwks_uri answers {seen.status} without a key set", advice)
    if not keys:
        return failed(check, "the key set holds no key that may verify (RSA from 2048 bits, EC, OKP)", advice)
    return ok(check, f"{len(keys)} usable: {', '.join(sorted({key.key_type for key in keys}))}")


async def _client(idp: Idp, rules: IdpRules, metadata: Metadata, proven: ProvenRequests) -> Finding:
    """See the module's docstring."""
    check = named(idp, "client")
    form = {"grant_type": "refresh_token", "refresh_token": f"muster-doctor-{secrets.token_hex(16)}"}
    answer = await proven.post(metadata.token_endpoint, form, time.time())
    if isinstance(answer, Misconfigured):
        setting, what = FAULTS[answer.code]
        return failed(check, f"{setting} {what}", f"put {setting} right")
    if isinstance(answer, Trouble):
        return failed(check, f"the token endpoint: {answer.detail}", _REACH)
    outcome = classify(
        answer.status, answer.content_type, answer.body, answer.retry_after, rules, is_refresh=True
    )
    return _judged(check, outcome, is_public=rules.client_auth is ClientAuth.NONE)


def _judged(
    check: str, outcome: TokenAnswer | AskAgain | Denied | Trouble | Misconfigured, *, is_public: bool
) -> Finding:
    match outcome:
        case AskAgain(code="invalid_grant") | Denied():
            return ok(check, "the client is known" if is_public else "our proof is accepted")
        case Misconfigured(code="invalid_client" | "unauthorized_client" as code):
            return failed(
                check,
                f"the IdP refuses this client ({code})",
                "put client_id, client_auth and its proof right",
            )
        case Misconfigured(code="unsupported_grant_type"):
            advice = "allow the refresh_token grant to this client, or people are asked silently every hour"
            return warning(check, "the IdP gives this client no refreshes (unsupported_grant_type)", advice)
        case AskAgain(code=code) | Misconfigured(code=code):
            return warning(
                check, f"not told: a refresh token that never was is answered {code}", "sign in once"
            )
        case Trouble(detail=detail):
            return failed(check, f"the token endpoint gives no usable answer ({detail})", "see the IdP")
        case TokenAnswer():
            return failed(
                check, "the IdP gives tokens for a refresh token that never was", "do not use this IdP"
            )
