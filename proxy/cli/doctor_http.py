"""One question of the doctor's over HTTP: bounded in time and size, no redirect followed, no cookie kept."""

import errno
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import aiohttp

SECONDS: Final = 5.0
MOST_BODY: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An answer: `body` is cut at 1 MiB; `at` is this machine's clock when its head came (seconds since the epoch)."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    at: float

    @property
    def content_type(self) -> str | None:
        return self.headers.get("Content-Type")

    @property
    def leads_to(self) -> str:
        """The path that a redirect names; empty without one."""
        return urlsplit(self.headers.get("Location", "")).path


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """No answer, and why, in words fit to be shown. `is_untrusted`: the certificate was not accepted."""

    detail: str
    is_untrusted: bool = False


def from_here(url: str, path: str) -> tuple[str, Mapping[str, str]]:
    """The address to ask and the Host to send. Browsers take every `*.localhost` for this machine, name services do not."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not (parts.hostname or "").endswith(".localhost"):
        return url.rstrip("/") + path, {}
    return f"http://127.0.0.1:{parts.port or 80}{path}", {"Host": parts.netloc}


def open_http() -> aiohttp.ClientSession:
    """The doctor's own session; whoever opens it closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=SECONDS),
        trust_env=False,
    )


async def get(
    http: aiohttp.ClientSession,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | bool = True,
    server_name: str | None = None,
) -> Seen | Silent:
    """What is answered to a GET. `server_name` is asked for and verified instead of the URL's host."""
    sent = {"User-Agent": "muster-doctor", "Accept-Encoding": "identity", **(headers or {})}
    try:
        async with http.get(
            url, headers=sent, allow_redirects=False, ssl=tls, server_hostname=server_name
        ) as response:
            at = time.time()
            return Seen(
                status=response.status, headers=response.headers.copy(), body=await _body(response), at=at
            )
    except TimeoutError:
        return Silent(detail=f"no answer within {SECONDS:g} s")
    except aiohttp.ClientConnectorCertificateError as error:
        return Silent(detail=f"its certificate is not accepted: {verify_message(error)}", is_untrusted=True)
    except (aiohttp.ClientSSLError, ssl.SSLError):
        return Silent(detail="no TLS connection")
    except aiohttp.ClientConnectorDNSError:
        return Silent(detail="its name is not known here (DNS)")
    except aiohttp.ClientConnectorError as error:
        return Silent(detail=f"no connection ({os.strerror(error.errno or errno.ECONNREFUSED).lower()})")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Silent(detail=f"a broken answer ({type(error).__name__})")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) >= MOST_BODY:
            break
    return bytes(body[:MOST_BODY])


def verify_message(error: aiohttp.ClientConnectorCertificateError) -> str:
    """OpenSSL's own words, such as `certificate has expired`."""
    return why_untrusted(error.certificate_error)


def why_untrusted(error: BaseException) -> str:
    return getattr(error, "verify_message", "") or "not verified"
