"""One HTTP exchange with the app: time-out, size limit, no redirects, nothing retried, every call reported without bodies."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeAlias, cast

import aiohttp
from yarl import URL

from proxy.apps.render import Call
from proxy.apps.template import Json
from proxy.apps.verdict import Answer
from proxy.provisioning.app_admin import AppTrouble
from proxy.provisioning.errand import Errand

BODY_LIMIT = 8 * 1024 * 1024
_LONGEST_WAIT = 86_400.0
_NO_ERRAND = Errand()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call to the app and what it was for: never a body, query, header or credential. `status` is None when none came."""

    method: str
    path: str
    status: int | None
    seconds: float
    errand: Errand = _NO_ERRAND


Observer: TypeAlias = Callable[[CallRecord], None]


class _TooLarge(Exception):
    pass


class Wire:
    """Sends calls to one app. `timeout` in seconds covers a whole exchange; at most `parallel` run at a time, in turn."""

    def __init__(
        self,
        url: str,
        http: aiohttp.ClientSession,
        *,
        timeout: float,
        parallel: int,
        observer: Observer | None,
    ) -> None:
        self._base = URL(url.rstrip("/"))
        self._http = http
        self._timeout = timeout
        self._slots = asyncio.Semaphore(parallel)
        self._observer = observer
        self._errand = _NO_ERRAND

    def on_errand(self, errand: Errand) -> "Wire":
        """This wire, its turns shared; what is sent over it is reported with the errand."""
        other = copy(self)
        other._errand = errand
        return other

    async def send(self, call: Call, headers: Mapping[str, str]) -> Answer | AppTrouble:
        """The answer, whatever its status; trouble when none came in time or it is not what an API answers."""
        async with self._slots:
            begun = time.monotonic()
            answer = await self._exchange(call, headers)
            status = answer.status if isinstance(answer, Answer) else None
            self._report(call, status, time.monotonic() - begun)
            return answer

    async def _exchange(self, call: Call, headers: Mapping[str, str]) -> Answer | AppTrouble:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._spoken(call, headers)
        except TimeoutError:
            return AppTrouble(detail=f"{name_of(call)}: no answer within {self._timeout:g} s")
        except _TooLarge:
            return AppTrouble(
                detail=f"{name_of(call)}: the answer is larger than {BODY_LIMIT // 1024 // 1024} MiB"
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return AppTrouble(detail=f"{name_of(call)}: {type(error).__name__}")

    async def _spoken(self, call: Call, headers: Mapping[str, str]) -> Answer | AppTrouble:
        content = {"Content-Type": "application/json"} if call.has_body else {}
        async with self._http.request(
            call.method,
            self._address(call),
            headers={"Accept": "application/json", **content, **headers},
            data=json.dumps(call.body).encode() if call.has_body else None,
            allow_redirects=False,
        ) as response:
            return _understood(call, response, await _body(response))

    def _address(self, call: Call) -> URL:
        below = call.link if call.link is not None else call.path
        address = URL(f"{self._base}{below}", encoded=True)
        return address.update_query(dict(call.query)) if call.query else address

    def below(self, link: str) -> str | None:
        """The path and query of an absolute link under the app's address; None for a link that leads elsewhere."""
        address, prefix = URL(link, encoded=True), self._base.raw_path.rstrip("/") + "/"
        if address.origin() != self._base.origin() or not address.raw_path.startswith(prefix):
            return None
        return address.raw_path_qs[len(prefix) - 1 :]

    def _report(self, call: Call, status: int | None, seconds: float) -> None:
        if self._observer is not None:
            path = call.path if call.link is None else call.link.partition("?")[0]
            record = CallRecord(
                method=call.method, path=path, status=status, seconds=seconds, errand=self._errand
            )
            self._observer(record)


def name_of(call: Call) -> str:
    """How a call is named to an operator: the method and path, never the query."""
    return f"{call.method} {call.path}"


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _TooLarge
    return bytes(body)


def _understood(call: Call, response: aiohttp.ClientResponse, body: bytes) -> Answer | AppTrouble:
    """A success that is not JSON is no success: a sign-in page comes with status 200 as well."""
    is_success = 200 <= response.status < 300
    try:
        document = cast("Json", json.loads(body, parse_constant=_refuse)) if body.strip() else None
    except (ValueError, RecursionError):
        if is_success:
            return AppTrouble(
                detail=f"{name_of(call)} answered {response.status} with something that is not JSON"
            )
        document = None
    following = response.links["next"].get("url") if "next" in response.links else None
    return Answer(
        status=response.status,
        document=document,
        retry_after=retry_after(response.headers.get("Retry-After"), now=time.time()),
        link=str(following) if following else None,
    )


def _refuse(constant: str) -> Json:
    raise ValueError(f"JSON has no {constant}")


def retry_after(header: str | None, *, now: float) -> float | None:
    """Seconds to wait (RFC 9110 §10.2.3: a number or a date), at most a day; None when absent or malformed."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(at - now, 0.0), _LONGEST_WAIT)
