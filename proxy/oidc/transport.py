"""One exchange with an IdP: an answer, or Trouble. Judging the answer is somebody else's.

Bounded in time (the IdP's `timeout`, from name look-up to the last byte) and in size, TLS verified, no redirect
followed, no cookie kept, no compressed body asked for. A lost answer is Trouble like any other: whether the IdP saw
the question is not known.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlencode

import aiohttp

from proxy.errors import Problem, SettingsError
from proxy.oidc.json_body import positive_number
from proxy.oidc.rules import IdpRules
from proxy.session.model import Trouble

MOST_BODY: Final = 1024 * 1024
Tls: TypeAlias = ssl.SSLContext | bool
"""A trust store, perhaps with our certificate; True is the system's."""

_CHUNK: Final = 64 * 1024
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "muster"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. `challenge` is its WWW-Authenticate; `retry_after` seconds, None also for a date; `next_url` the
    address that a `Link` names as the next page (RFC 8288), whosever it is."""

    status: int
    content_type: str | None
    body: bytes = field(repr=False)
    challenge: str = ""
    retry_after: float | None = None
    next_url: str | None = field(default=None, repr=False)


def open_session() -> aiohttp.ClientSession:
    """The one session for all IdPs; whoever opens it closes it.

    A connection serves one exchange: a kept one may die just as a refresh token is sent over it, and that question
    must not be asked twice.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


class Transport:
    """Exchanges with one IdP over the shared session."""

    def __init__(self, rules: IdpRules, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._tls = trust(rules)
        self._timeout = aiohttp.ClientTimeout(total=rules.timeout)

    async def get(self, url: str, *, bearer: str | None = None, tls: Tls | None = None) -> Answer | Trouble:
        """`tls` shows our certificate; without it nothing of us is shown."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer is not None else {}
        return await self._exchange("GET", url, headers, None, tls)

    async def post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str], *, tls: Tls | None = None
    ) -> Answer | Trouble:
        """A form; `tls` as for `get`."""
        typed = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        return await self._exchange("POST", url, typed, urlencode(form).encode(), tls)

    async def call(
        self, url: str, *, authorization: str, question: Mapping[str, object] | None = None
    ) -> Answer | Trouble:
        """A GET, or a POST of `question` as JSON, under an Authorization header as it stands."""
        headers = {"Authorization": authorization}
        if question is None:
            return await self._exchange("GET", url, headers, None)
        typed = {**headers, "Content-Type": "application/json"}
        return await self._exchange("POST", url, typed, json.dumps(question).encode())

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, tls: Tls | None = None
    ) -> Answer | Trouble:
        try:
            async with self._http.request(
                method,
                url,
                headers={**_HEADERS, **headers},
                data=body,
                allow_redirects=False,
                ssl=self._tls if tls is None else tls,
                timeout=self._timeout,
            ) as response:
                return await _whole(response)
        except TimeoutError:
            return Trouble(detail="timeout")
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            return Trouble(detail=_tls_detail(error))
        except (aiohttp.ClientConnectorError, OSError):
            return Trouble(detail="connection_failed")
        except (aiohttp.ClientError, ValueError):
            return Trouble(detail="answer_broken")


async def _whole(response: aiohttp.ClientResponse) -> Answer | Trouble:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > MOST_BODY:
            return Trouble(detail="answer_too_large")
    return Answer(
        status=response.status,
        content_type=response.headers.get("Content-Type"),
        body=bytes(body),
        challenge=response.headers.get("WWW-Authenticate", ""),
        retry_after=positive_number(response.headers.get("Retry-After", "").strip()),
        next_url=_next_url(response),
    )


def _next_url(response: aiohttp.ClientResponse) -> str | None:
    links = response.links if "Link" in response.headers else {}
    return str(links["next"]["url"]) if "next" in links else None


def _tls_detail(error: Exception) -> str:
    """Whose certificate it was about: an alert that came from the server is about ours (RFC 8446 §6.2)."""
    text = str(error)
    return (
        "client_certificate_refused" if "ALERT" in text.upper() and "CERTIFICATE" in text.upper() else "tls"
    )


def trust(rules: IdpRules) -> Tls:
    """The trust store: the system's, or only the operator's file. Raises SettingsError for a file without certificates."""
    if rules.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=rules.ca_file)
    except OSError as error:
        problem = Problem(
            path=f"idps.{rules.id}.ca_file", line=None, message=f"cannot be read as certificates: {error}"
        )
        raise SettingsError((problem,)) from error
