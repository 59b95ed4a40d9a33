"""The story on a second, different IdP: no ID token at a refresh, and `invalid_request` for a locked person."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.apps import demo_app
from tests.e2e.idps_canaille import Second, second_idp
from tests.e2e.stack import SOON, Stack, running
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser
from tests.partners.canaille import need_canaille

pytestmark = pytest.mark.partner

ALICE = "alice@example.com"
"""canaille states no `preferred_username`: the login is made from the address."""


@asynccontextmanager
async def system(tmp_path: Path, **idp: Any) -> AsyncIterator[tuple[Stack, Second]]:
    need_canaille()
    (tmp_path / "muster").mkdir()
    async with (
        second_idp(tmp_path / "idp") as second,
        demo_app() as app,
        running(second, app, tmp_path / "muster", idp=idp) as stack,
    ):
        yield stack, second


async def test_groups_follow_at_a_refresh_that_brings_no_id_token(tmp_path: Path, browser: Browser) -> None:
    async with system(tmp_path) as (stack, second):
        page = await stack.sign_in(browser, "alice")
        assert stack.app.shown(page) == ALICE
        account = await stack.account(ALICE)
        assert account is not None
        assert account.groups == {"Developers"}
        await second.set_groups("alice", ["designers"])

        async def groups() -> frozenset[str]:
            assert (await stack.look(browser)).status == 200
            seen = await stack.account(ALICE)
            return seen.groups if seen else frozenset()

        await eventually(groups, lambda found: found == {"Designers"}, within=SOON, what="moved in the app")
        refreshes = [call for call in await second.calls() if call.grant_type == "refresh_token"]
        assert refreshes
        assert not any(call.has_id_token for call in refreshes), "userinfo alone said so"


async def test_a_locked_person_is_asked_to_sign_in_where_the_operator_named_the_code(
    tmp_path: Path, browser: Browser
) -> None:
    async with system(tmp_path, ask_again_codes=["invalid_request"]) as (stack, second):
        await stack.sign_in(browser, "alice")
        await second.suspend("alice")
        await stack.signed_out(browser)
        calls = await second.calls()
        assert calls[-1].outcome == "invalid_request"
        assert (await stack.look(browser)).status == 401
        account = await stack.account(ALICE)
        assert account is not None
        assert account.is_active, "asking again archives nobody at once"


async def test_without_the_code_it_is_an_alarm_and_nobody_is_signed_out(
    tmp_path: Path, browser: Browser
) -> None:
    async with system(tmp_path) as (stack, second):
        await stack.sign_in(browser, "alice")
        await second.suspend("alice")

        async def refused() -> int:
            assert (await stack.look(browser)).status == 200
            return await second.refused()

        await eventually(refused, lambda count: count >= 2, within=SOON, what="refused twice")
        await stack.logs("idp_misconfigured")
        await second.resume("alice")
        await stack.refreshed(browser)
