"""Calls to a directory's API: proved, judged, page after page.

| answer                                                        | what it is                                |
|---------------------------------------------------------------|-------------------------------------------|
| 200 with a JSON object or list                                | a Page                                    |
| 404                                                           | Missing: what it means is for the caller  |
| 401                                                           | once more with a new token, then misconfigured |
| 403 that names a quota (Google)                               | trouble                                   |
| 403, another 4xx, a redirect                                  | misconfigured                             |
| 408, 429, 5xx, 200 that is not JSON, no answer at all         | trouble                                   |

After a `Retry-After` the directory is left alone that long, five minutes at most. Nothing here raises.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from proxy.oidc.directory.proof import Proof, answer_of_trouble, error_code, misconfigured
from proxy.oidc.json_body import read_json
from proxy.oidc.transport import Answer, Transport
from proxy.provisioning.directory import Unknown
from proxy.session.model import Trouble

MOST_PAGES: Final = 50
MOST_QUIET: Final = 300.0

_QUOTAS: Final = frozenset(
    {"quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded"}
)

Question: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole answer. `next_url` is where a `Link` header continues, on the same origin."""

    document: dict[str, object] | list[object] = field(repr=False)
    next_url: str | None = None

    def items(self, name: str | None = None) -> list[dict[str, object]] | None:
        """The objects in the list (or in the list of that name); None where there is no such list or other things in it."""
        found = self.document if name is None else self.member(name)
        if not isinstance(found, list):
            return None
        objects = [item for item in found if isinstance(item, dict)]
        return objects if len(objects) == len(found) else None

    def member(self, name: str) -> object:
        """What the object says under this name; None where it says nothing."""
        return self.document.get(name) if isinstance(self.document, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """404. The directory has no such thing, or does not show it to us."""

    code: str


class Calls:
    """Calls to one directory. `clock` is the wall clock in seconds."""

    def __init__(self, transport: Transport, proof: Proof, *, clock: Callable[[], float]) -> None:
        self._transport = transport
        self._proof = proof
        self._clock = clock
        self._quiet = (0.0, 0.0)

    async def read(self, url: str, question: Question | None = None) -> Page | Missing | Unknown:
        """One answer by the table above; with a `question` it is posted."""
        now = self._clock()
        start, end = self._quiet
        if start <= now < end:
            return Unknown(detail="asked_to_wait", retry_after=end - now)
        judged = await self._asked(url, question, now)
        if isinstance(judged, Unknown) and judged.retry_after:
            self._quiet = (now, now + min(judged.retry_after, MOST_QUIET))
        return judged

    async def shows_any(self, url: str, name: str | None = None) -> bool | Unknown:
        """Whether a list holds anything; something missing holds nothing."""
        page = await self.read(url)
        if not isinstance(page, Page):
            return page if isinstance(page, Unknown) else False
        items = page.items(name)
        return unreadable() if items is None else bool(items)

    async def every(
        self,
        url: str,
        following: Callable[[Page, int], str | None],
        items_of: Callable[[Page], list[dict[str, object]] | None] = Page.items,
    ) -> list[dict[str, object]] | Missing | Unknown:
        """A list over all its pages, or none of it. `following` gives the next address after a page and its length."""
        found: list[dict[str, object]] = []
        for _ in range(MOST_PAGES):
            page = await self.read(url)
            if not isinstance(page, Page):
                return page
            items = items_of(page)
            if items is None:
                return unreadable()
            found += items
            next_url = following(page, len(items))
            if next_url is None:
                return found
            url = next_url
        return Unknown(detail="too_many_pages")

    async def _asked(self, url: str, question: Question | None, now: float) -> Page | Missing | Unknown:
        header = await self._proof.header(now)
        if isinstance(header, Unknown):
            return header
        answer = await self._transport.call(url, authorization=header, question=question)
        if isinstance(answer, Answer) and answer.status == 401 and self._proof.refused(header):
            header = await self._proof.header(now)
            if isinstance(header, Unknown):
                return header
            answer = await self._transport.call(url, authorization=header, question=question)
        return answer_of_trouble(answer) if isinstance(answer, Trouble) else judge(answer, url)


def judge(answer: Answer, url: str) -> Page | Missing | Unknown:
    """What an answer to a call of `url` is."""
    document = read_json(answer.body, answer.content_type)
    if answer.status == 200:
        if document is None:
            return Unknown(detail="not_json")
        # Our token goes nowhere but where the operator said, and a list without its next page is half a list.
        if answer.next_url is not None and not _is_same_origin(answer.next_url, url):
            return misconfigured("next_page_elsewhere")
        return Page(document=document, next_url=answer.next_url)
    code = vendor_code(document)
    detail = f"http_{answer.status}{error_code(code)}"
    if answer.status == 404:
        return Missing(code=detail)
    if answer.status in (408, 429) or answer.status >= 500 or (answer.status == 403 and code in _QUOTAS):
        return Unknown(detail=detail, retry_after=answer.retry_after)
    return misconfigured(detail)


def unreadable() -> Unknown:
    """An answer that is JSON, and not what the documentation says."""
    return Unknown(detail="answer_unreadable")


def vendor_code(document: object) -> object:
    """The error's code where each product puts it: `error.errors[0].reason`, `error.code`, `errorCode`, `error`."""
    if not isinstance(document, dict):
        return None
    error = document.get("error", document.get("errorCode"))
    if not isinstance(error, dict):
        return error
    reasons = error.get("errors")
    first = reasons[0] if isinstance(reasons, list) and reasons else None
    return first.get("reason") if isinstance(first, dict) else error.get("code")


def _is_same_origin(one: str, other: str) -> bool:
    here, there = urlsplit(one), urlsplit(other)
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)
