"""Asks the issuer about a token that only it can read (RFC 7662): one exchange, an answer or what kept us from one.

| the endpoint answers                                 | read as                                     |
|------------------------------------------------------|---------------------------------------------|
| 200 with a JSON object                               | the answer                                  |
| 401, 403, or 400 with an OAuth error                 | Misconfigured: it rejects us, not the token |
| anything else, or nothing                            | Trouble                                     |
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

from proxy.oidc.json_body import read_json_object
from proxy.oidc.transport import Answer, Transport
from proxy.session.model import Misconfigured, Trouble

LONGEST_KEPT: Final = 300.0
"""Seconds that an answer may be believed: introspection is there so that a revoked token is soon worth nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntrospectionRules:
    """The endpoint and how we prove ourselves to it. `secret` is asked at every use; `kept` is in seconds."""

    url: str
    client_id: str
    secret: Callable[[], str] = field(repr=False, compare=False)
    kept: float = 60.0


async def introspect(
    token: str, rules: IntrospectionRules, transport: Transport
) -> Mapping[str, object] | Trouble | Misconfigured:
    """What the endpoint says of the token; nothing in it is checked yet."""
    form = {"token": token, "token_type_hint": "access_token"}
    proof = {"Authorization": _basic(rules.client_id, rules.secret())}
    answer = await transport.post(rules.url, form, proof)
    return _read(answer) if isinstance(answer, Answer) else answer


def _read(answer: Answer) -> Mapping[str, object] | Trouble | Misconfigured:
    document = read_json_object(answer.body, answer.content_type)
    if answer.status == 200:
        return Trouble(detail="not_json") if document is None else document
    error = (document or {}).get("error")
    if answer.status in (401, 403) or (answer.status == 400 and isinstance(error, str)):
        return Misconfigured(code=f"introspection_{answer.status}")
    return Trouble(detail=f"http_{answer.status}", retry_after=answer.retry_after)


def _basic(client_id: str, secret: str) -> str:
    """Both halves are form-encoded first (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
