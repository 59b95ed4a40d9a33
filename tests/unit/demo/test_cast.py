from pathlib import Path

import pytest

from proxy.demo.browser import Page
from proxy.demo.cast import NotSo, eventually, expect, listed, read
from tests.fakes.stand_in import EVERY, played

TOLD = (
    '{"account": {"login": "a", "id": 4, "role": "end-user"}, "groups": ["Developers"],'
    ' "headers": [["X-Forwarded-User", "a"], ["X-Forwarded-Groups", "x,y"]]}'
)


def page(status: int, text: str) -> Page:
    return Page(url="http://app.localhost/headers", status=status, headers={}, text=text)


def test_what_the_app_says_is_read() -> None:
    seen = read(page(200, TOLD))
    assert (seen.login, seen.account) == ("a", 4)
    assert seen.groups == {"Developers"}
    assert seen.told_groups == {"x", "y"}


def test_an_app_that_did_not_answer_is_not_so_and_says_what_it_said() -> None:
    with pytest.raises(NotSo, match="answered 503: away"):
        read(page(503, "away"))


def test_expecting() -> None:
    expect(True, "never")
    with pytest.raises(NotSo, match="otherwise"):
        expect(False, "otherwise")


async def test_waiting_ends_with_the_first_sight_that_is_so() -> None:
    sights = iter([1, 2, 3])

    async def look() -> int:
        return next(sights)

    assert await eventually(look, lambda seen: seen == 3, within=5, what="three") == 3


async def test_waiting_in_vain_names_the_last_sight() -> None:
    async def look() -> int:
        return 7

    with pytest.raises(NotSo, match="still not eight: 7"):
        await eventually(look, lambda seen: seen == 8, within=0, what="eight")


def test_names_are_listed_in_order() -> None:
    assert listed(frozenset({"b", "a"})) == "a, b"
    assert listed(frozenset()) == "none"


async def test_a_browser_is_one_persons_and_kept(tmp_path: Path) -> None:
    async with played(tmp_path) as cast:
        assert await cast.browser("alice") is await cast.browser("alice")
        assert await cast.browser("alice") is not await cast.browser("bob")


async def test_two_accounts_of_one_login_are_not_so(tmp_path: Path) -> None:
    async with played(tmp_path) as cast:
        with pytest.raises(NotSo):
            cast.account("alice")
        cast.stage.app.state.add_account("alice", "", "")
        assert cast.account("alice").login == "alice"


async def test_working_for_a_while_counts_what_was_served(tmp_path: Path) -> None:
    async with played(tmp_path) as cast:
        await cast.sign_in("alice")
        assert await cast.over_an_interval("alice", times=0.25 / EVERY) >= 2
        await cast.refreshed("alice", "alice")
        assert cast.refreshes("alice") >= 1
