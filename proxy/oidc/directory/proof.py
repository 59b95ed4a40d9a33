"""How we prove ourselves to a directory: a standing API token, or an access token kept until shortly before it expires.

| the token endpoint answers                   | then                                      |
|----------------------------------------------|-------------------------------------------|
| 200 with an access token                     | kept until 60 s before its end, or half its life |
| 400, 401, 403 or another 4xx, a redirect     | Unknown, misconfigured, with its error code |
| 429, 5xx, not JSON, no answer                | Unknown, trouble                          |

Whoever waits shares one fetch; after a failure the endpoint is left alone for ten seconds. No secret and no description that a
server wrote goes into a detail.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeAlias

from proxy.oidc.directory.rules import Secret
from proxy.oidc.json_body import positive_number, read_json_object
from proxy.oidc.transport import Answer, Transport
from proxy.provisioning.directory import Cause, Unknown
from proxy.session.model import Trouble

COOL_OFF: Final = 10.0
"""Seconds without another try after a token could not be had."""

_ASSUMED_LIFE: Final = 60.0
_MARGIN: Final = 60.0
_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Form: TypeAlias = Mapping[str, str]


class Proof(Protocol):
    """Gives the Authorization header of a call."""

    async def header(self, now: float) -> str | Unknown: ...

    def refused(self, header: str) -> bool:
        """The directory answered 401 to this header; True when another is worth a try."""


def secret_of(secret: Secret) -> str | Unknown:
    """The secret, or why there is none."""
    try:
        value = secret()
    except OSError:
        return misconfigured("secret_unreadable")
    return value or misconfigured("secret_missing")


def misconfigured(detail: str) -> Unknown:
    """An operator must mend something; nobody is touched because of it."""
    return Unknown(detail=detail, cause=Cause.MISCONFIGURED)


def error_code(value: object) -> str:
    """A server's error code after a space, where it is a plain word; prose is nothing that goes into a log."""
    return f" {value}" if isinstance(value, str) and _CODE.fullmatch(value) else ""


class StandingToken:
    """An API token that an administrator made (Okta's SSWS)."""

    def __init__(self, scheme: str, token: Secret) -> None:
        self._scheme = scheme
        self._token = token

    async def header(self, now: float) -> str | Unknown:
        token = secret_of(self._token)
        return token if isinstance(token, Unknown) else f"{self._scheme} {token}"

    def refused(self, header: str) -> bool:
        """A rotated file may hold another token by now; `header` reads it again."""
        token = secret_of(self._token)
        return not isinstance(token, Unknown) and header != f"{self._scheme} {token}"


class AccessToken:
    """An OAuth access token by whatever grant `form` writes down for the moment it is asked."""

    def __init__(self, transport: Transport, url: str, form: Callable[[float], Form | Unknown]) -> None:
        self._transport = transport
        self._url = url
        self._form = form
        self._lock = asyncio.Lock()
        self._header: str | None = None
        self._from = 0.0
        self._until = 0.0
        self._fault: Unknown | None = None

    async def header(self, now: float) -> str | Unknown:
        """A header that the directory should accept now."""
        async with self._lock:
            if not self._from <= now < self._until:
                await self._renew(now)
            return self._header or self._fault or Unknown(detail="token_missing")

    def refused(self, header: str) -> bool:
        """Forget a token that was withdrawn before its time; another caller may have replaced it meanwhile."""
        if self._header == header:
            self._header, self._until = None, 0.0
        return True

    async def _renew(self, now: float) -> None:
        self._header = self._fault = None
        form = self._form(now)
        granted = form if isinstance(form, Unknown) else await self._grant(form)
        self._from = now
        if isinstance(granted, Unknown):
            self._fault, self._until = granted, now + COOL_OFF
            return
        self._header, life = granted
        self._until = now + max(life / 2, life - _MARGIN)

    async def _grant(self, form: Form) -> tuple[str, float] | Unknown:
        answer = await self._transport.post(self._url, form, {})
        return answer_of_trouble(answer) if isinstance(answer, Trouble) else _granted(answer)

    def __repr__(self) -> str:
        return f"<access token from {self._url}>"


def answer_of_trouble(trouble: Trouble) -> Unknown:
    return Unknown(detail=trouble.detail, retry_after=trouble.retry_after)


def _granted(answer: Answer) -> tuple[str, float] | Unknown:
    """The header and the token's life in seconds, by the table above."""
    document = read_json_object(answer.body, answer.content_type)
    if answer.status == 429 or answer.status >= 500 or (answer.status == 200 and document is None):
        return Unknown(detail=f"token_http_{answer.status}", retry_after=answer.retry_after)
    if answer.status != 200 or document is None:
        return misconfigured(f"token_http_{answer.status}" + error_code((document or {}).get("error")))
    token = document.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token.strip():
        return Unknown(detail="token_missing")
    return f"Bearer {token}", positive_number(document.get("expires_in")) or _ASSUMED_LIFE
