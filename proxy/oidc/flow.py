"""The two ends of a sign-in: what is sent with the browser, and what may come back with it.

Authorization code flow with PKCE S256, state and nonce (RFC 6749 §4.1, RFC 7636, RFC 9207, RFC 9700). A callback is
judged before any network call; only a `Code` may be redeemed.

| callback, first match wins                                       | result                             |
|------------------------------------------------------------------|------------------------------------|
| no attempt of this browser                                       | NotTrusted `no_attempt`            |
| more or longer parameters than an answer has                     | NotTrusted `callback_too_large`    |
| any parameter twice                                              | NotTrusted `duplicate_parameter`   |
| `state` absent or not the attempt's                              | NotTrusted `state_mismatch`        |
| older than ten minutes, or from the future                       | NotTrusted `attempt_too_old`       |
| `iss` not the attempt's, or absent though announced              | NotTrusted `issuer_mismatch`, `issuer_missing` |
| tokens, which nobody asked for, or both a code and an error      | NotTrusted `answer_ambiguous`      |
| `error`                                                          | CallbackError: ends nothing (semantics §5.5) |
| `code` absent, empty or unprintable                              | NotTrusted `code_missing`          |
| `code`                                                           | Code                               |
"""

import base64
import hmac
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum, unique
from typing import Any, Final, TypeAlias, TypeGuard
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from proxy.errors import NotTrusted
from proxy.identity import IdpId
from proxy.oidc.json_body import parse_object
from proxy.oidc.metadata import Metadata
from proxy.oidc.outcome import safe_code
from proxy.oidc.rules import IdpKind, IdpRules
from proxy.session.step_up import Demand

ENTROPY_BYTES: Final = 96
"""What `begin` needs: 32 bytes each for state, nonce and code verifier."""

ATTEMPT_LIFE: Final = 600.0
"""Seconds within which a browser must come back."""

MOST_RETURN_TO: Final = 4096
"""Characters of an address that is kept through a sign-in."""

MOST_PACKED: Final = 2300
"""Bytes of the same, compressed: with the rest of an attempt, sealed, that fits the 4096 bytes of a cookie (RFC 6265 §6.1)."""

_MOST_ATTEMPT: Final = 64 * 1024
_LEEWAY: Final = 60.0
_MOST_PARAMETERS: Final = 32
_MOST_VALUE: Final = 8192
_NEEDS_BROWSER: Final = frozenset(
    {"login_required", "interaction_required", "consent_required", "account_selection_required"}
)
_UNASKED: Final = frozenset({"access_token", "id_token", "response"})
_OWN_PARAMETERS: Final = frozenset(
    {"client_id", "response_type", "redirect_uri", "scope", "state", "nonce", "code_challenge"}
    | {"code_challenge_method", "response_mode", "request", "request_uri"}
)


@unique
class Prompt(StrEnum):
    """What the IdP is to show (OpenID Connect Core §3.1.2.1): nothing at all, its accounts, or its sign-in page."""

    NONE = "none"
    SELECT_ACCOUNT = "select_account"
    LOGIN = "login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One browser on its way through an IdP; kept sealed in a cookie that its `state` names.

    `started_at` is seconds since the epoch; `return_to` a path of ours; `is_issuer_expected`: the IdP announced that
    its answers carry `iss`; `demand`: what the ID token must prove, or the sign-in counts for nothing.
    """

    idp: IdpId
    issuer: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    return_to: str
    started_at: float
    prompt: Prompt | None = None
    is_issuer_expected: bool = False
    demand: Demand | None = None

    @property
    def is_silent(self) -> bool:
        return self.prompt is Prompt.NONE

    def pack(self) -> bytes:
        """The attempt as bytes, to be sealed. Compressed; its secrets are new each time, so that the length says nothing."""
        return zlib.compress(json.dumps(asdict(self), separators=(",", ":")).encode(), 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code that came back with the right state."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackError:
    """The IdP's own refusal; `access_denied` is also what *Cancel* gives. `needs_browser`: a silent attempt must be shown."""

    code: str

    @property
    def needs_browser(self) -> bool:
        return self.code in _NEEDS_BROWSER


Callback: TypeAlias = Code | CallbackError


def begin(
    rules: IdpRules,
    metadata: Metadata,
    *,
    redirect_uri: str,
    return_to: str,
    entropy: bytes,
    now: float,
    prompt: Prompt | None = None,
    login_hint: str | None = None,
    demand: Demand | None = None,
) -> tuple[Attempt, str]:
    """A new attempt, and the URL to send the browser to. `entropy` is `ENTROPY_BYTES` random bytes, used once."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"begin needs {ENTROPY_BYTES} bytes of entropy")
    state, nonce, verifier = (_encode(entropy[at : at + 32]) for at in (0, 32, 64))
    attempt = Attempt(
        idp=rules.id,
        issuer=rules.issuer,
        state=state,
        nonce=nonce,
        code_verifier=verifier,
        return_to=safe_return_to(return_to),
        started_at=float(now),
        prompt=_understood(prompt, rules, metadata),
        is_issuer_expected=metadata.is_issuer_in_answers,
        demand=demand,
    )
    parameters = _parameters(rules, attempt, redirect_uri, login_hint)
    return attempt, with_query(metadata.authorization_endpoint, parameters)


def unpack(packed: bytes) -> Attempt | None:
    """The attempt out of opened bytes, or None when they hold no whole one."""
    plain = _inflated(packed)
    record = None if plain is None else parse_object(plain)
    if record is None:
        return None
    texts = {"idp", "issuer", "state", "nonce", "code_verifier", "return_to"}
    started_at, prompt = record.pop("started_at", None), record.pop("prompt", "")
    demand = record.pop("demand", None)
    is_whole = (
        record.keys() == texts | {"is_issuer_expected"}
        and all(isinstance(record[name], str) for name in texts)
        and isinstance(record["is_issuer_expected"], bool)
        and (prompt is None or (isinstance(prompt, str) and prompt in set(Prompt)))
        and (demand is None or _is_demand(demand))
    )
    if not is_whole or not isinstance(started_at, float):
        return None
    asked = None if prompt is None else Prompt(str(prompt))
    required = (
        Demand(acr_values=tuple(demand["acr_values"]), max_age=demand["max_age"])
        if _is_demand(demand)
        else None
    )
    return Attempt(started_at=started_at, prompt=asked, demand=required, **record)  # type: ignore[arg-type]  # checked just above


def _inflated(packed: bytes) -> bytes | None:
    """An attempt that began before an upgrade is not compressed."""
    if packed.startswith(b"{"):
        return packed
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(packed, _MOST_ATTEMPT)
    except zlib.error:
        return None
    return plain if inflating.eof and not inflating.unused_data else None


def _is_demand(packed: object) -> TypeGuard[dict[str, Any]]:
    if not isinstance(packed, dict) or packed.keys() != {"acr_values", "max_age"}:
        return False
    values, max_age = packed["acr_values"], packed["max_age"]
    is_number = isinstance(max_age, int) and not isinstance(max_age, bool)
    is_list = isinstance(values, list) and all(isinstance(value, str) for value in values)
    return is_list and (max_age is None or is_number)


def check_callback(query: Sequence[tuple[str, str]], attempt: Attempt | None, *, now: float) -> Callback:
    """What came back, by the table above. `query` is the callback's decoded parameters, in order."""
    if attempt is None:
        raise NotTrusted("no_attempt")
    parameters = _single(query)
    if not _is_same(parameters.get("state"), attempt.state):
        raise NotTrusted("state_mismatch")
    if not -_LEEWAY <= now - attempt.started_at <= ATTEMPT_LIFE:
        raise NotTrusted("attempt_too_old")
    _check_issuer(parameters.get("iss"), attempt)
    return _answer(parameters)


def safe_return_to(target: str) -> str:
    """The target when it is a path of this origin that can be kept, else "/"."""
    return target if _is_own_path(target) and _is_short(target) else "/"


def is_too_long(target: str) -> bool:
    """Whether a path of this origin is longer than a sign-in can keep."""
    return _is_own_path(target) and not _is_short(target)


def _is_short(target: str) -> bool:
    if len(target) <= MOST_PACKED:
        return True
    return len(target) <= MOST_RETURN_TO and len(zlib.compress(target.encode("ascii"), 9)) <= MOST_PACKED


def _is_own_path(target: str) -> bool:
    """Whether it is one as browsers read it.

    A browser reads `//host`, `/\\host` and `/<tab>/host` as another origin, and drops controls (WHATWG URL §4.4).
    """
    is_path = target.startswith("/") and not target.startswith("//") and "\\" not in target
    is_plain = target.isascii() and target.isprintable() and " " not in target
    return is_path and is_plain


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with parameters added to whatever query it has."""
    return url + ("&" if "?" in url else "?") + urlencode(parameters)


def _parameters(
    rules: IdpRules, attempt: Attempt, redirect_uri: str, login_hint: str | None
) -> dict[str, str]:
    """The authorization request (OpenID Connect Core §3.1.2.1). What an operator adds never replaces what protects."""
    scopes = rules.scopes if "openid" in rules.scopes else ("openid", *rules.scopes)
    added = {name: value for name, value in rules.extra_parameters.items() if name not in _OWN_PARAMETERS}
    return {
        **_hosted_domain(rules),
        **added,
        "response_type": "code",
        "client_id": rules.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": create_s256_code_challenge(attempt.code_verifier),
        "code_challenge_method": "S256",
        **_prompt(attempt.prompt, added.get("prompt", "")),
        **({"login_hint": login_hint} if login_hint else {}),
        **(attempt.demand.parameters() if attempt.demand else {}),
    }


def _prompt(asked: Prompt | None, added: str) -> dict[str, str]:
    """Ours replaces the operator's, but for `consent`: without it Google gives no refresh token. `none` stands alone."""
    if asked is None:
        return {"prompt": added} if added else {}
    is_consent_kept = asked is not Prompt.NONE and "consent" in added.split()
    return {"prompt": f"{asked.value} consent" if is_consent_kept else asked.value}


def _understood(prompt: Prompt | None, rules: IdpRules, metadata: Metadata) -> Prompt | None:
    """`login`, which every IdP knows, where it does not know `select_account`; Keycloak passes over that without a word."""
    if prompt is not Prompt.SELECT_ACCOUNT:
        return prompt
    if metadata.prompts is not None:
        return prompt if prompt in metadata.prompts else Prompt.LOGIN
    return Prompt.LOGIN if rules.kind is IdpKind.KEYCLOAK else prompt


def _hosted_domain(rules: IdpRules) -> dict[str, str]:
    """Google's account chooser shows one domain, or with `*` any Workspace account; the claim decides, not this."""
    if rules.kind is not IdpKind.GOOGLE or not rules.hosted_domains:
        return {}
    return {"hd": min(rules.hosted_domains) if len(rules.hosted_domains) == 1 else "*"}


def _single(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    if len(query) > _MOST_PARAMETERS or any(len(name) + len(value) > _MOST_VALUE for name, value in query):
        raise NotTrusted("callback_too_large")
    parameters = dict(query)
    if len(parameters) != len(query):
        raise NotTrusted("duplicate_parameter")
    return parameters


def _check_issuer(stated: str | None, attempt: Attempt) -> None:
    """Stops one IdP's answer from being taken for another's (RFC 9207 §2.4)."""
    if stated is None and attempt.is_issuer_expected:
        raise NotTrusted("issuer_missing")
    if stated is not None and stated != attempt.issuer:
        raise NotTrusted("issuer_mismatch")


def _answer(parameters: Mapping[str, str]) -> Callback:
    code, error = parameters.get("code"), parameters.get("error")
    if (code is not None and error is not None) or not _UNASKED.isdisjoint(parameters):
        raise NotTrusted("answer_ambiguous")
    if error is not None:
        return CallbackError(code=safe_code(error))
    if not code or not code.isascii() or not code.isprintable():
        raise NotTrusted("code_missing")
    return Code(value=code)


def _is_same(stated: str | None, expected: str) -> bool:
    return stated is not None and hmac.compare_digest(
        stated.encode(errors="surrogatepass"), expected.encode()
    )


def _encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
