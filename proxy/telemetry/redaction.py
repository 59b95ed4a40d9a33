"""Takes secrets out of what is about to be written: by the name of a field, and by what a text looks like.

The second line of defence. The first is that records keep secrets out of their repr and nobody hands one to a log.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

REDACTED: Final = "[redacted]"

_SECRET_WORDS: Final = frozenset(
    {
        "token", "tokens", "secret", "secrets", "cookie", "cookies", "authorization", "password", "passwd", "passphrase",
        "credential", "credentials", "verifier", "assertion", "bearer",
    }
)  # fmt: skip
_SECRET_NAMES: Final = frozenset({"code", "state", "nonce", "api_key", "apikey", "x_redmine_api_key"})
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_IN_TEXT: Final = (
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]*(?:\.[\w-]*){1,3}"), REDACTED),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"(?i)((?:__Host-)?\bmuster)=[\w-]{20,}"), rf"\1={REDACTED}"),
    (
        re.compile(
            r"(?i)\b((?:access|refresh|id)_token|client_secret|client_assertion|code|code_verifier|state|nonce|password)"
            r"(=|['\"]?:\s*['\"])[^&\s'\"]+"
        ),
        rf"\1\2{REDACTED}",
    ),
)
_DEEPEST: Final = 8


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret: `refresh_token`, `X-Api-Token`, `clientSecret`, `code`."""
    folded = name.lower().replace("-", "_")
    words = {word.lower() for word in _WORD.findall(name)}
    return folded in _SECRET_NAMES or bool(words & _SECRET_WORDS)


def redact_text(text: str) -> str:
    """The text without what looks like a JWT, a bearer token, a session cookie or a secret parameter."""
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def redact(value: Any, *, depth: int = 0) -> Any:
    """A copy without secrets; dicts and lists are walked, everything else becomes what JSON can hold."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {str(name): _field(str(name), item, depth + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [redact(item, depth=depth + 1) for item in items]
    return redact_text(value if isinstance(value, str) else str(value))


def _field(name: str, value: Any, depth: int) -> Any:
    # A number or a truth says how many or whether, never what.
    if is_secret_name(name) and not (value is None or isinstance(value, (bool, int, float))):
        return REDACTED
    return redact(value, depth=depth)
