"""A courier killed by SIGKILL in the middle, again and again: `python -m proof.kill_points [--redis] [RUNS [SEED]]`.

Exit 1 when something is lost or doubled. With `--redis` the store is on a Redis server, which lives on.

Each run has a store of its own and people with something to be done: newcomers, one who moved between groups, one who left,
one who came back. A child process carries it out and kills itself at a checkpoint that the seed chooses; in every other run a
second one does the same. The last one is left alive and begins anew from what is there. In the end everybody is as they
should be, every entry is done, every newcomer has exactly one account, and every account one binding.
"""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proof.big_app import wanted
from proof.redis_process import redis_process
from proof.scene import (
    IDP,
    OnRedis,
    Where,
    app_process,
    begin_anew,
    control,
    courier_between,
    fill,
    rules_for,
    stated,
    subject,
    until_settled,
)
from proxy.groups.rules import JoinRules
from proxy.identity import GroupName
from proxy.provisioning.guard import GuardRules
from proxy.provisioning.linking import LinkRules
from proxy.provisioning.model import EntryState, Removed, Statement
from proxy.reasons import Reason
from proxy.storage.redis.place import Place

RUNS, SEED, MEMBERS, GROUPS = 500, 20_250_101, 4, 6
CHECKPOINTS = 80
"""About as many as there are on the way."""

AFTER_A_CLAIM = 25.0
"""Seconds by which the clock of the next courier is later: a dead courier's claims have run out."""

RULES = {
    "guard": GuardRules(least_members=1000, least_of_link=1000),
    "bulk_slots": 3,
    # Nobody is linked by e-mail: an account that was made and not bound is known by what was written down before.
    "link": LinkRules(
        join=JoinRules(domains=frozenset({"example.com"})), logins=("{username}",), may_link_by_email=False
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One store, its app, and the newcomers' logins, which no other run uses."""

    where: Where
    url: str
    tag: str

    @property
    def newcomers(self) -> list[str]:
        return [f"{self.tag}-new{number}" for number in range(3)]


async def prepare(run: Run, now: float) -> None:
    """Somebody moved, somebody left, somebody came back, and three are new."""
    async with courier_between(run.where, run.url, rules_for(GROUPS, **RULES)) as (store, _):
        statements = [
            stated("person1", frozenset({GroupName("idp 0")}), now),
            _gone("person2", now),
            _gone("person3", now - 60),
            stated("person3", frozenset({GroupName("idp 1")}), now),
            *(stated(login, frozenset({GroupName("idp 2")}), now) for login in run.newcomers),
        ]
        for statement in statements:
            await store.outbox.note(statement, now)


def _gone(login: str, at: float) -> Statement:
    return Statement(source=IDP, subject=subject(login), says=Removed(reason=Reason.IDP_DENIED), at=at)


async def carry(run: Run, *, later: float, die_at: int | None) -> None:
    """A courier that dies at its nth checkpoint, or settles everything."""
    left = die_at

    def checkpoint(name: str) -> None:
        nonlocal left
        if left is not None:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    rules = rules_for(GROUPS, **RULES)
    clock = lambda: time.time() + later  # noqa: E731 -- one line
    async with courier_between(run.where, run.url, rules, checkpoint=checkpoint, clock=clock) as (
        store,
        courier,
    ):
        running = asyncio.create_task(courier.run())
        await until_settled(store, seconds=60)
        await courier.stop()
        await running


def in_child(run: Run, *, later: float, die_at: int | None) -> bool:
    """Whether the child was killed by its own hand. Raises RuntimeError when it failed otherwise."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            asyncio.run(carry(run, later=later, die_at=die_at))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    if os.WEXITSTATUS(status):
        raise RuntimeError("the courier failed")
    return False


async def found_wrong(run: Run, accounts: dict[str, Any]) -> list[str]:
    """What is not as it should be, in words."""
    expected = {
        "person1": (True, [0]),
        "person3": (True, [1]),
        "person4": (True, sorted(wanted(4, GROUPS))),
        **{login: (True, [2]) for login in run.newcomers},
    }
    wrong = [
        f"{login}: {accounts.get(login)} instead of {should}"
        for login, should in expected.items()
        if accounts.get(login) != [*should]
    ]
    wrong += ["person2 is not archived"] if accounts["person2"][0] else []
    async with courier_between(run.where, run.url, rules_for(GROUPS, **RULES)) as (store, _):
        entries = await store.outbox.entries(None, 1000)
        bindings = await store.bindings.all_bindings()
    wrong += [
        f"entry {one.id} is {one.state} ({one.reason}: {one.detail})"
        for one in entries
        if one.state is not EntryState.DONE
    ]
    if len({one.account_id for one in bindings}) != len(bindings) or len(bindings) != len(entries):
        wrong.append(f"{len(bindings)} bindings for {len(entries)} entries")
    return wrong


def store_of_its_own(folder: Path, number: int, place: Place | None) -> Where:
    """A file, or keys with a prefix of their own."""
    own = folder / f"{number}"
    own.mkdir()
    if place is None:
        return own / "muster.db"
    return OnRedis(place=replace(place, prefix=f"run-{number}"), folder=own)


def one_run(url: str, where: Where, number: int, seed: int) -> tuple[int, list[str]]:
    """How often it was killed, and what is wrong afterwards."""
    chance = random.Random(f"{seed} {number}")
    begin_anew(url)
    now, kills, run = time.time(), 0, Run(where=where, url=url, tag=f"run{number}")
    asyncio.run(fill(where, MEMBERS, GROUPS, now - 3600))
    asyncio.run(prepare(run, now))
    for turn in range(1 + number % 2):
        kills += in_child(run, later=turn * AFTER_A_CLAIM, die_at=chance.randrange(CHECKPOINTS))
    in_child(run, later=3 * AFTER_A_CLAIM, die_at=None)
    app = control(url)
    wrong = asyncio.run(found_wrong(run, app["accounts"]))
    doubled = len(app["accounts"]) - (1 + MEMBERS + len(run.newcomers))
    return kills, [*wrong, f"{doubled} accounts too many"] if doubled else wrong


def all_runs(runs: int, seed: int, folder: Path, place: Place | None) -> tuple[int, int]:
    """How many kills there were, and how many runs with something wrong."""
    kills, failures = 0, 0
    with app_process(members=MEMBERS, groups=GROUPS) as url:
        for number in range(runs):
            where = store_of_its_own(folder, number, place)
            killed, wrong = one_run(url, where, number, seed)
            shutil.rmtree(folder / f"{number}")
            kills += killed
            failures += bool(wrong)
            for one in wrong:
                print(f"run {number} (seed {seed}): {one}", file=sys.stderr)
    return kills, failures


def main(argv: Sequence[str]) -> int:
    """0 when nothing was lost and nothing doubled."""
    is_on_redis, words = "--redis" in argv, [word for word in argv if word != "--redis"]
    runs = int(words[0]) if words else RUNS
    seed = int(words[1]) if len(words) > 1 else SEED
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-proof-")))
        place = stack.enter_context(redis_process(folder)) if is_on_redis else None
        kills, failures = all_runs(runs, seed, folder, place)
    print(f"{runs} runs, {kills} kills, {failures} with something lost or doubled")
    return 1 if failures or kills < runs // 2 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
