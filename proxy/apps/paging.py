"""How an app hands out long lists, and what the next page is. A list that is not whole is a fault, never an answer."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictInt, StrictStr

from proxy.apps.expression import Unread
from proxy.apps.fields import ExpressionField, Section
from proxy.apps.template import Json

MAX_PAGES = 1_000


class NoPaging(Section):
    """The whole list in one answer."""

    kind: Literal["none"]


class OffsetPaging(Section):
    """`?offset=100&limit=100`; `total` is where the answer states how many there are."""

    kind: Literal["offset"]
    offset: StrictStr = "offset"
    limit: StrictStr = "limit"
    size: StrictInt = Field(default=100, ge=1, le=1000)
    total: ExpressionField | None = None


class PageNumbers(Section):
    """`?page=2`; `next` is where the answer states the next page, or `total` how many there are; else until a page is empty."""

    kind: Literal["page"]
    page: StrictStr = "page"
    first: StrictInt = Field(default=1, ge=0)
    limit: StrictStr | None = None
    size: StrictInt = Field(default=100, ge=1, le=1000)
    next: ExpressionField | None = None
    total: ExpressionField | None = None


class CursorPaging(Section):
    """`?cursor=…`; `next` is where the answer states the next cursor, null or empty at the end."""

    kind: Literal["cursor"]
    cursor: StrictStr = "cursor"
    next: ExpressionField


class LinkPaging(Section):
    """The `Link` header with `rel="next"` (RFC 8288), below the app's own address."""

    kind: Literal["link"]


Paging: TypeAlias = Annotated[
    NoPaging | OffsetPaging | PageNumbers | CursorPaging | LinkPaging, Field(discriminator="kind")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answered page: its document, how many items it held and were held before it, and its `Link` to the next."""

    document: Json
    items: int
    before: int
    query: dict[str, str]
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """Where the next page is: further query parameters, or a path with its own query."""

    query: dict[str, str]
    link: str | None = None


def first_page(paging: Paging) -> Next:
    match paging:
        case OffsetPaging():
            return Next(query={paging.offset: "0", paging.limit: str(paging.size)})
        case PageNumbers():
            size = {paging.limit: str(paging.size)} if paging.limit else {}
            return Next(query={paging.page: str(paging.first)} | size)
        case _:
            return Next(query={})


def next_page(paging: Paging, page: Page) -> Next | None:
    """The page after this one, or None at the end. Raises Unread when the answer does not tell."""
    match paging:
        case NoPaging():
            return None
        case OffsetPaging():
            return _after_offset(paging, page)
        case PageNumbers():
            return _after_number(paging, page)
        case CursorPaging():
            cursor = _stated(paging.next.read(page.document), paging.next.source, page.document)
            return Next(query={paging.cursor: cursor}) if cursor else None
        case LinkPaging():
            return Next(query={}, link=page.link) if page.link else None


def _after_offset(paging: OffsetPaging, page: Page) -> Next | None:
    seen = page.before + page.items
    return None if _is_end(paging, page) else Next(query=page.query | {paging.offset: str(seen)})


def _is_end(paging: OffsetPaging | PageNumbers, page: Page) -> bool:
    """By the total, where the app states one; else a page without items is the end."""
    seen = page.before + page.items
    total = paging.total.read(page.document) if paging.total else None
    if paging.total and (not isinstance(total, int) or isinstance(total, bool)):
        raise Unread(f"“{paging.total.source}” does not say how many there are")
    if isinstance(total, int) and seen < total and page.items == 0:
        raise Unread(f"the list ended after {seen} of {total}")
    return seen >= total if isinstance(total, int) else page.items == 0


def names_of(paging: Paging) -> tuple[str, ...]:
    """The parameters that it sends; one with a dot stands inside the body or a parameter of JSON: `body.offset`, `q.page`."""
    match paging:
        case OffsetPaging():
            return (paging.offset, paging.limit)
        case PageNumbers():
            return (paging.page, paging.limit) if paging.limit else (paging.page,)
        case CursorPaging():
            return (paging.cursor,)
        case _:
            return ()


def _after_number(paging: PageNumbers, page: Page) -> Next | None:
    if paging.next is None:
        following = "" if _is_end(paging, page) else str(int(page.query[paging.page]) + 1)
    else:
        following = _stated(paging.next.read(page.document), paging.next.source, page.document)
    return Next(query=page.query | {paging.page: following}) if following else None


def _stated(found: Json, source: str, document: Json) -> str:
    """The text of a cursor or page number; empty at the end. A plain key that is missing altogether is not an end."""
    if found is None and source.isidentifier() and not (isinstance(document, dict) and source in document):
        raise Unread(f"“{source}” is missing, so the list may not be whole")
    if isinstance(found, bool | list | dict):
        raise Unread(f"“{source}” is neither a number nor a text")
    return "" if found is None else str(found)
