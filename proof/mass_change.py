"""The IdP says "no groups" of everybody at once: `python -m proof.mass_change`. Exit 1 when it does not hold.

The guard stops it: changes are held, an alarm is raised, nobody loses anything beyond the limits, nobody is archived. What an
administrator drops then stays as it is; when the IdP states the groups again nothing is left to do.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proof.big_app import wanted
from proof.scene import (
    AnyStore,
    app_process,
    control,
    courier_between,
    fill,
    rules_for,
    stated,
    until_settled,
)
from proxy.identity import GroupName
from proxy.provisioning.audit import AuditRecord
from proxy.provisioning.courier import Courier
from proxy.provisioning.guard import GuardRules, limit
from proxy.provisioning.holding import drop, held_scopes
from proxy.provisioning.model import EntryState

MEMBERS, GROUPS = 1000, 20


async def _carry(store: AnyStore, courier: Courier, said: dict[str, frozenset[GroupName]]) -> None:
    now = time.time()
    for login, groups in said.items():
        await store.outbox.note(stated(login, groups, now), now)
    running = asyncio.create_task(courier.run())
    await until_settled(store)
    await courier.stop()
    await running


async def mass_change(path: Path, url: str) -> dict[str, Any]:
    alarms: list[AuditRecord] = []

    def hear(record: AuditRecord) -> None:
        if record.operation == "alarm":
            alarms.append(record)

    people = [f"person{number}" for number in range(1, MEMBERS + 1)]
    async with courier_between(path, url, rules_for(GROUPS), audit=hear) as (store, courier):
        await _carry(store, courier, dict.fromkeys(people, frozenset()))
        held = len(await store.outbox.entries(EntryState.HELD, MEMBERS))
        scopes = await held_scopes(store.ledger)
        for scope in scopes:
            await drop(scope, store.outbox, store.ledger, time.time())
    return {"held": held, "scopes": scopes, "alarms": len(alarms)}


async def back_again(path: Path, url: str) -> int:
    """How many wait after the IdP stated everybody's groups again."""
    said = {
        f"person{number}": frozenset(GroupName(f"idp {one}") for one in wanted(number, GROUPS))
        for number in range(1, MEMBERS + 1)
    }
    async with courier_between(path, url, rules_for(GROUPS)) as (store, courier):
        await _carry(store, courier, said)
        return len(
            [one for one in await store.outbox.entries(None, MEMBERS) if one.state is not EntryState.DONE]
        )


def prove(folder: Path) -> bool:
    path, rules = folder / "muster.db", GuardRules()
    asyncio.run(fill(path, MEMBERS, GROUPS, time.time() - 3600))
    with app_process(members=MEMBERS, groups=GROUPS) as url:
        before = control(url)
        found = asyncio.run(mass_change(path, url))
        after = control(url)
        waiting = asyncio.run(back_again(path, url))
        restored = control(url)
    lost = [was - now for was, now in zip(before["sizes"], after["sizes"], strict=True)]
    of_links = all(
        gone <= limit("link:x", was, rules) for gone, was in zip(lost, before["sizes"], strict=True)
    )
    allowed = limit("idp:corp", MEMBERS, rules)
    print(f"held: {found['held']} people under {', '.join(found['scopes'])}; alarms: {found['alarms']}")
    print(
        f"people who lost something: {after['losers']} (allowed {allowed}); most from one link: {max(lost)}"
    )
    print(f"archived: {after['archived']}; waiting after the IdP speaks again: {waiting}")
    is_guarded = after["losers"] <= allowed and of_links and after["archived"] == 0
    is_told = found["held"] >= MEMBERS - allowed and found["alarms"] > 0
    is_whole = waiting == 0 and restored["sizes"] == before["sizes"]
    return is_guarded and is_told and is_whole


def main(argv: Sequence[str]) -> int:
    """0 when it holds."""
    with tempfile.TemporaryDirectory(prefix="muster-proof-") as folder:
        return 0 if prove(Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
