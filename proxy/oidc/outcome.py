"""What an answer of the token endpoint means (semantics §5.2). The tests are the rows of this table, first match wins.

| answer                                                                              | outcome         |
|-------------------------------------------------------------------------------------|-----------------|
| 5xx, 429, 408, 3xx                                                                  | Trouble         |
| not a JSON object, or neither tokens nor an error code                              | Trouble         |
| `temporarily_unavailable`, `server_error`, `slow_down`, a code known as trouble     | Trouble         |
| tokens                                                                              | TokenAnswer     |
| a code known as our fault (Entra 7000215 and kin)                                   | Misconfigured   |
| `invalid_grant` or an `ask_again_codes` error, with a marker                        | Denied          |
| `invalid_grant` that nothing explains, at a refresh                                 | AskAgain, plain |
| any other `invalid_grant`, `interaction_required`, `login_required`,                | AskAgain        |
|   `consent_required`, `account_selection_required`, `invalid_scope`,                |                 |
|   an `ask_again_codes` error                                                        |                 |
| `invalid_client`, `unauthorized_client`, `invalid_request`,                         | Misconfigured   |
|   `unsupported_grant_type`, and every other code                                    |                 |

Markers only raise certainty: without them every row still has a safe meaning. An unknown code counts as ours, because
that neither signs out nor archives anybody and raises an alarm. A denial at the code exchange is about nobody we know:
the caller shows a refusal and ends nothing (semantics §5.5).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from proxy.oidc.json_body import positive_number, read_json_object
from proxy.oidc.rules import KINDS, IdpRules, KindFacts
from proxy.session.model import AskAgain, Denied, Misconfigured, Tokens, Trouble

TROUBLE_STATUSES: Final = frozenset({408, 429})
TROUBLE_ERRORS: Final = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
_ASK_AGAIN_ERRORS: Final = frozenset(
    {
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
        "invalid_scope",
    }
)
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """A token endpoint's success (RFC 6749 §5.1). Lives are in seconds; None means the IdP did not say."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    expires_in: float | None = None
    refresh_expires_in: float | None = None


Fault: TypeAlias = Denied | AskAgain | Trouble | Misconfigured


def classify(
    status: int,
    content_type: str | None,
    body: bytes,
    retry_after: float | None,
    rules: IdpRules,
    *,
    is_refresh: bool,
) -> TokenAnswer | Fault:
    """The outcome of one answer, by the table above."""
    if status >= 500 or status in TROUBLE_STATUSES or 300 <= status < 400:
        return Trouble(detail=f"http_{status}", retry_after=retry_after)
    document = read_json_object(body, content_type)
    if document is None:
        return Trouble(detail="not_json", retry_after=retry_after)
    error = document.get("error")
    if not isinstance(error, str) or not error:
        return (
            _success(document) if status < 300 else Trouble(detail="no_error_code", retry_after=retry_after)
        )
    return _refusal(error, document, retry_after, rules, is_refresh=is_refresh)


def merge_tokens(answer: TokenAnswer, previous: Tokens | None, now: float) -> Tokens:
    """What the session keeps: an unrotated refresh token, and an ID token that was not renewed, stay."""
    old = previous or Tokens()
    is_rotated = answer.refresh_token is not None
    life = answer.refresh_expires_in
    return Tokens(
        access_token=answer.access_token,
        refresh_token=answer.refresh_token or old.refresh_token,
        id_token=answer.id_token or old.id_token,
        access_expires_at=None if answer.expires_in is None else now + answer.expires_in,
        refresh_expires_at=now + life if life else None if is_rotated else old.refresh_expires_at,
    )


def safe_code(code: str) -> str:
    """An error code fit for a log line and a page; whatever else an IdP puts there is not repeated."""
    return code if _CODE.fullmatch(code) else "unreadable_code"


def _success(document: Mapping[str, object]) -> TokenAnswer | Trouble:
    access_token = _text(document.get("access_token"))
    if access_token is None:
        return Trouble(detail="no_access_token")
    return TokenAnswer(
        access_token=access_token,
        refresh_token=_text(document.get("refresh_token")),
        id_token=_text(document.get("id_token")),
        expires_in=positive_number(document.get("expires_in")),
        refresh_expires_in=_refresh_life(document),
    )


def _refresh_life(document: Mapping[str, object]) -> float | None:
    """Keycloak says `refresh_expires_in` (0: no end), others `refresh_token_expires_in`."""
    stated = (positive_number(document.get(f"refresh_{word}expires_in")) for word in ("", "token_"))
    return next((life for life in stated if life is not None), None)


def _text(value: object) -> str | None:
    """A token as sent, or None; it must fit a header line (RFC 6749 appendix A)."""
    return value if isinstance(value, str) and value and value.isascii() and value.isprintable() else None


def _refusal(
    error: str,
    document: Mapping[str, object],
    retry_after: float | None,
    rules: IdpRules,
    *,
    is_refresh: bool,
) -> Fault:
    facts, codes, code = KINDS[rules.kind], _subcodes(document), safe_code(error)
    if error in TROUBLE_ERRORS or codes & facts.trouble_codes:
        return Trouble(detail=code, retry_after=retry_after)
    if codes & facts.our_fault_codes:
        return Misconfigured(code=code)
    if error == "invalid_grant" or error in rules.ask_again_codes:
        text = _description(document)
        marker = _denial(text, codes, facts, rules, is_refresh=is_refresh)
        if marker is not None:
            return Denied(marker=marker)
        is_plain = is_refresh and error == "invalid_grant" and not _is_explained(text, codes, facts)
        return AskAgain(code=code, is_plain_invalid_grant=is_plain)
    return AskAgain(code=code) if error in _ASK_AGAIN_ERRORS else Misconfigured(code=code)


def _denial(
    text: str, codes: frozenset[str], facts: KindFacts, rules: IdpRules, *, is_refresh: bool
) -> str | None:
    """The marker that says this person is denied. A word of our own lists, never a text of the answer's."""
    own = frozenset(_normal(marker) for marker in rules.denied_markers)
    known = facts.denied_codes | (facts.denied_codes_at_refresh if is_refresh else frozenset())
    hits = (frozenset({text}) & (facts.denied_texts | own)) | (codes & (known | own))
    return min(hits, default=None)


def _is_explained(text: str, codes: frozenset[str], facts: KindFacts) -> bool:
    return text in facts.explained_texts or bool(codes & facts.explained_codes)


def _subcodes(document: Mapping[str, object]) -> frozenset[str]:
    """`suberror` and `error_codes` (Entra), `error_subtype` (Google), as lower-case text."""
    numbers = document.get("error_codes")
    stated = list(numbers) if isinstance(numbers, list) else []
    stated += [document.get("suberror"), document.get("error_subtype")]
    return frozenset(_normal(str(code)) for code in stated if _is_subcode(code))


def _is_subcode(code: object) -> bool:
    if isinstance(code, str):
        return 0 < len(code) <= 200
    return isinstance(code, int) and not isinstance(code, bool) and 0 <= code < 10**9


def _description(document: Mapping[str, object]) -> str:
    text = document.get("error_description")
    return _normal(text) if isinstance(text, str) else ""


def _normal(text: str) -> str:
    return text.strip().rstrip(".").lower()
