"""The next page of a list."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.apps.expression import Unread
from proxy.apps.paging import Next, Page, Paging, first_page, names_of, next_page
from proxy.apps.template import Json

ADAPTER: TypeAdapter[Paging] = TypeAdapter(Paging)


def paging(**keys: Any) -> Paging:
    return ADAPTER.validate_python(keys)


def page(
    document: Json = None, *, items: int = 2, before: int = 0, link: str | None = None, **query: str
) -> Page:
    named = {name.rstrip("_"): value for name, value in query.items()}
    return Page(document=document, items=items, before=before, query=named, link=link)


NONE = paging(kind="none")
OFFSET = paging(kind="offset", size=2)
TOTAL = paging(kind="offset", offset="from", limit="take", size=2, total="meta.total")
NUMBERS = paging(kind="page", page="p", first=0, limit="n", size=50)
STATED = paging(kind="page", next="next")
CURSOR = paging(kind="cursor", cursor="c", next="meta.next")
LINK = paging(kind="link")


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        (NONE, {}),
        (OFFSET, {"offset": "0", "limit": "2"}),
        (TOTAL, {"from": "0", "take": "2"}),
        (NUMBERS, {"p": "0", "n": "50"}),
        (STATED, {"page": "1"}),
        (CURSOR, {}),
        (LINK, {}),
    ],
)
def test_the_first_page(kind: Paging, query: dict[str, str]) -> None:
    assert first_page(kind) == Next(query=query)


@pytest.mark.parametrize(
    ("kind", "now", "following"),
    [
        (NONE, page([1]), None),
        (OFFSET, page(before=2, offset="2", limit="2"), {"offset": "4", "limit": "2"}),
        (OFFSET, page(items=1, before=4, offset="4", limit="2"), {"offset": "5", "limit": "2"}),
        (OFFSET, page(items=0, before=5, offset="5", limit="2"), None),
        (TOTAL, page({"meta": {"total": 3}}, from_="0", take="2"), {"from": "2", "take": "2"}),
        (TOTAL, page({"meta": {"total": 3}}, items=1, before=2, from_="2"), None),
        (TOTAL, page({"meta": {"total": 0}}, items=0), None),
        (NUMBERS, page(p="0", n="50"), {"p": "1", "n": "50"}),
        (NUMBERS, page(items=0, p="3", n="50"), None),
        (STATED, page({"next": 2}, page="1"), {"page": "2"}),
        (STATED, page({"next": None}, page="2"), None),
        (CURSOR, page({"meta": {"next": "abc"}}), {"c": "abc"}),
        (CURSOR, page({"meta": {"next": ""}}), None),
        (CURSOR, page({"meta": {"next": None}}), None),
    ],
)
def test_the_page_after_this_one(kind: Paging, now: Page, following: dict[str, str] | None) -> None:
    assert next_page(kind, now) == (None if following is None else Next(query=following))


def test_a_link_is_followed_as_the_app_gave_it() -> None:
    assert next_page(LINK, page(link="/x?at=2")) == Next(query={}, link="/x?at=2")
    assert next_page(LINK, page()) is None


@pytest.mark.parametrize(
    ("kind", "now"),
    [
        (TOTAL, page({}, items=2)),
        (TOTAL, page({"meta": {"total": "3"}})),
        (TOTAL, page({"meta": {"total": True}})),
        (TOTAL, page({"meta": {"total": 3}}, items=0, before=2)),
        (STATED, page({}, page="1")),
        (STATED, page([], page="1")),
        (STATED, page({"next": [2]}, page="1")),
        (CURSOR, page({"meta": {"next": True}})),
    ],
)
def test_an_answer_that_does_not_tell_is_no_end(kind: Paging, now: Page) -> None:
    with pytest.raises(Unread):
        next_page(kind, now)


@pytest.mark.parametrize(
    "keys",
    [{"kind": "pages"}, {"kind": "offset", "size": 0}, {"kind": "cursor"}, {"kind": "link", "x": 1}, {}],
)
def test_what_is_no_paging_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(keys)


def test_numbered_pages_end_with_their_total() -> None:
    counted = paging(kind="page", page="p", total="count")
    assert next_page(counted, page({"count": 3}, items=2, p="1")) == Next(query={"p": "2"})
    assert next_page(counted, page({"count": 3}, items=1, before=2, p="2")) is None
    for short in (
        page({"count": 3}, items=0, before=2, p="2"),
        page({}, p="1"),
        page({"count": True}, p="1"),
    ):
        with pytest.raises(Unread):
            next_page(counted, short)


def test_the_parameters_of_each_kind() -> None:
    assert names_of(TOTAL) == ("from", "take")
    assert names_of(NUMBERS) == ("p", "n")
    assert names_of(STATED) == ("page",)
    assert names_of(CURSOR) == ("c",)
    assert names_of(LINK) == names_of(NONE) == ()
