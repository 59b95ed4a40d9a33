"""What an operator does by command while Muster runs, or while it does not: the app, the headers and the sessions follow."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from tests.e2e.apps import HAND_MADE, Seen
from tests.e2e.conftest import Browsers, System
from tests.e2e.program import ROOT
from tests.e2e.stack import SOON, Stack
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser

SECONDS = 60.0
WITHIN_SECONDS = 10.0
"""What is promised is one second and a visit; the machine of a test is busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


async def muster(stack: Stack, *words: str, code: int | None = 0) -> Ran:
    """One command on the stack's configuration, as an operator types it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "proxy",
        *words,
        "-c",
        str(stack.muster.config_file),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=dict(os.environ),
    )
    async with asyncio.timeout(SECONDS):
        out, err = await child.communicate()
    ran = Ran(code=child.returncode or 0, out=out.decode(), err=err.decode())
    assert code is None or ran.code == code, (words, ran)
    assert "Traceback" not in ran.err
    return ran


async def account_becomes(stack: Stack, login: str, *, is_active: bool) -> Seen:
    async def look() -> Seen:
        account = await stack.account(login)
        assert account is not None
        return account

    return await eventually(
        look, lambda one: one.is_active is is_active, within=SOON, what=f"{login} is_active={is_active}"
    )


async def groups_header(stack: Stack, browser: Browser) -> list[str]:
    page = await stack.look(browser)
    assert page.status == 200, page.text[:300]
    return stack.app.identity(page).get("X-Forwarded-Groups", [])


async def test_a_group_linked_by_command_reaches_members_and_header_within_seconds(
    demo: System, browser: Browser
) -> None:
    async with demo(groups={"links": []}, refresh={"every": "1h"}) as stack:
        await stack.sign_in(browser, "alice")
        assert await groups_header(stack, browser) == [""]
        linked = await muster(stack, "groups", "link", HAND_MADE, "engineers, nobody", "--json")
        assert linked.json()["link"]["idp_groups"] == ["engineers", "nobody"]

        async def account() -> Seen | None:
            return await stack.account("alice")

        await eventually(
            account,
            lambda one: one is not None and HAND_MADE in one.groups,
            within=WITHIN_SECONDS,
            what="alice is in the linked group",
        )
        await eventually(
            lambda: groups_header(stack, browser),
            lambda groups: groups == ["engineers"],
            within=WITHIN_SECONDS,
            what="the header names the linked group",
        )
        listed = await muster(stack, "groups", "list")
        assert "cli (" in listed.out
        assert (await muster(stack, "plan", code=0)).out.endswith("0 of 1 people would be changed\n")
        await muster(stack, "groups", "unlink", HAND_MADE)
        await eventually(
            lambda: groups_header(stack, browser),
            lambda groups: groups == [""],
            within=WITHIN_SECONDS,
            what="the header forgets the group",
        )
        held = await stack.account("alice")
        assert held is not None
        assert HAND_MADE in held.groups, "unlinking leaves the members"


async def test_a_link_of_the_configuration_is_not_changed_by_command(running_demo: Stack) -> None:
    for words in (("link", "Developers", "others"), ("unlink", "Developers"), ("deactivate", "Developers")):
        refused = await muster(running_demo, "groups", *words, code=1)
        assert "the configuration links 'Developers'" in refused.err


async def test_archiving_by_hand_ends_the_session_at_once_and_a_new_sign_in_brings_them_back(
    demo: System, browsers: Browsers
) -> None:
    async with demo() as stack:
        alice, bob = await browsers(), await browsers()
        await stack.sign_in(alice, "alice")
        await stack.sign_in(bob, "bob")
        before = await stack.account("alice")
        ran = await muster(stack, "members", "archive", "alice")
        assert "they would come back at the next sign-in" in ran.err
        assert "the app agrees" in ran.out
        await stack.signed_out(alice, within=2)
        after = await account_becomes(stack, "alice", is_active=False)
        assert (await stack.look(bob)).status == 200
        assert not (await muster(stack, "plan", "alice")).err
        page = await stack.sign_in(alice, "alice")
        assert page.status == 200, page.text[:300]
        back = await account_becomes(stack, "alice", is_active=True)
        assert before is not None
        assert before.id == after.id == back.id
        trail = await muster(stack, "audit", "--who", "alice", "--event", "archive", "--json")
        assert json.loads(trail.out)["reason"] == "ended_by_operator"


async def test_archiving_by_hand_is_taken_back_by_hand(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        before = await stack.account("alice")
        await muster(stack, "members", "archive", "alice@example.com")
        await account_becomes(stack, "alice", is_active=False)
        await muster(stack, "members", "restore", "alice")
        assert await account_becomes(stack, "alice", is_active=True) == before
        assert (await muster(stack, "members", "restore", "alice", code=1)).err


async def test_without_a_server_the_command_carries_it_out_itself(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        stack.muster.stop()
        ran = await muster(stack, "members", "archive", "alice", "--json")
        assert ran.json()["state"] == "done"
        account = await stack.account("alice")
        assert account is not None
        assert not account.is_active
        assert "archive" in (await muster(stack, "audit", "--event", "archive")).out


async def test_who_is_denied_is_out_at_once_and_stays_out_until_it_is_taken_back(
    demo: System, browsers: Browsers
) -> None:
    async with demo() as stack:
        alice, bob = await browsers(), await browsers()
        await stack.sign_in(alice, "alice")
        await stack.sign_in(bob, "bob")
        await muster(stack, "members", "deny", "alice")
        await stack.signed_out(alice, within=2)
        await account_becomes(stack, "alice", is_active=False)
        page = await stack.sign_in(alice, "alice")
        assert page.status == 403
        assert "An administrator has taken this account off the list" in page.text
        assert (await stack.look(bob)).status == 200
        await muster(stack, "members", "undeny", "alice")
        account = await stack.account("alice")
        assert account is not None
        assert not account.is_active, "restored by the next sign-in, not by the command"

        async def comes_back() -> int:
            return (await stack.sign_in(alice, "alice")).status

        await eventually(comes_back, lambda status: status == 200, within=SOON, what="alice gets in again")
        await account_becomes(stack, "alice", is_active=True)


async def test_provisioning_off_turns_newcomers_away_politely_and_on_lets_them_in(
    demo: System, browsers: Browsers
) -> None:
    async with demo() as stack:
        alice, bob = await browsers(), await browsers()
        await stack.sign_in(alice, "alice")
        await muster(stack, "provisioning", "off")
        await stack.logs("rulings")
        page = await stack.sign_in(bob, "bob")
        assert page.status == 403
        assert "New accounts are switched off" in page.text
        assert await stack.account("bob") is None
        assert (await stack.look(alice)).status == 200
        await muster(stack, "provisioning", "on")

        async def comes_in() -> int:
            return (await stack.sign_in(await browsers(), "bob")).status

        await eventually(comes_in, lambda status: status == 200, within=SOON, what="bob gets in")


async def test_ending_somebodys_sessions_leaves_the_account(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        assert "alice@example.com" in (await muster(stack, "sessions", "list")).out
        await muster(stack, "sessions", "end", "alice")
        await stack.signed_out(browser, within=2)
        await account_becomes(stack, "alice", is_active=True)
        assert (await muster(stack, "sessions", "list")).out == "nobody is signed in\n"


async def test_a_plan_says_what_a_change_by_hand_in_the_app_would_lead_to(
    demo: System, browser: Browser
) -> None:
    async with demo(refresh={"every": "1h"}) as stack:
        await stack.sign_in(browser, "alice")
        await stack.app.join_by_hand("alice", "Designers")
        ran = await muster(stack, "plan", code=3)
        assert "leave Designers" in ran.out
        document = (await muster(stack, "plan", "alice", "--json", code=3)).json()
        assert document["changed"] == 1
        account = await stack.account("alice")
        assert account is not None
        assert "Designers" in account.groups, "nothing was changed"
        explained = await muster(stack, "explain", "--session", "alice")
        assert "groups: Developers" in explained.out
