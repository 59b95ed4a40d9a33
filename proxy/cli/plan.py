"""`muster plan`: what would change in the app now, for one person or every bound member. Reads the app, changes nothing."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, TypeAlias

from proxy.cli.desk import Desk, at_desk, own_admin, print_json, say
from proxy.cli.store import now
from proxy.cli.who import Person, everybody, find_one
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.app_view import AppView
from proxy.provisioning.explain import Line, explain_plan
from proxy.provisioning.preview import Preview, Previewed
from proxy.reasons import Reason

CHANGES: Final = 3
"""The exit code that says: there is something to do."""

PROGRESS_EVERY: Final = 100

Found: TypeAlias = tuple[Person, "Previewed | AppTrouble | AppRefusal"]


def run(args: Namespace) -> int:
    """0 when nothing would change, 3 when something would, 1 when the app gave no answer about somebody. Raises SettingsError."""
    return at_desk(args, lambda desk: _plan(desk, args))


async def _plan(desk: Desk, args: Namespace) -> int:
    people = [await find_one(desk, args.who)] if args.who else await everybody(desk)
    found = await _look(desk, [one for one in people if one.bindings and one.entry])
    changed = [one for one in found if isinstance(one[1], Previewed) and one[1].plan.steps]
    unknown = [one for one in found if not isinstance(one[1], Previewed)]
    if args.json:
        print_json(_document(found, len(changed), len(unknown)))
    else:
        print("\n".join(_text(found, is_one=bool(args.who))))
    for person, fault in unknown:
        assert not isinstance(fault, Previewed)
        say(f"{person.name}: the app gave no answer: {fault.detail}")
    return 1 if unknown else CHANGES if changed else 0


async def _look(desk: Desk, people: list[Person]) -> list[Found]:
    """Each person's plan, several at a time, with progress on a terminal."""
    found: list[Found] = []
    async with own_admin(desk) as (app, rules):
        view = AppView(app, rules.groups, now)
        preview = Preview(app=app, view=view, bindings=desk.store.bindings, rules=rules)
        slots = asyncio.Semaphore(desk.settings.app.parallel if desk.settings.app else 1)

        async def one(person: Person) -> None:
            assert person.entry is not None
            async with slots:
                found.append((person, await preview.of(person.entry, person.bindings[0])))
            if len(found) % PROGRESS_EVERY == 0 and sys.stderr.isatty():
                print(f"\r{len(found)} of {len(people)}", end="", file=sys.stderr)

        await asyncio.gather(*(one(person) for person in people))
    return sorted(found, key=lambda item: item[0].name)


def _text(found: list[Found], *, is_one: bool) -> Iterator[str]:
    count = only_watched = 0
    for person, previewed in found:
        if not isinstance(previewed, Previewed) or not (previewed.plan.steps or watched(previewed) or is_one):
            continue
        count += bool(previewed.plan.steps)
        only_watched += bool(watched(previewed) and not previewed.plan.steps)
        yield f"{person.name} (account {person.account})"
        yield from (f"  {line}" for line in _shown(previewed, is_one=is_one))
    yield f"{count} of {len(found)} people would be changed" + (
        f"; {only_watched} more if no link were only observed" if only_watched else ""
    )


def _shown(previewed: Previewed, *, is_one: bool) -> Iterator[Line]:
    """Everything for one person; for all only what would be done, and what links that are only observed would do."""
    if previewed.member is None:
        yield Line(topic="is", what="the app shows no such account")
        return
    lines = explain_plan(previewed.should, previewed.plan)
    has_steps = bool(previewed.plan.steps)
    for line in lines:
        if line.reason is Reason.OBSERVED_ONLY:
            yield replace(line, topic="observed")
        elif is_one or (line.topic == "how" and has_steps):
            yield line


def watched(previewed: Previewed) -> bool:
    """Whether a link that is only observed would change something."""
    return any(note.reason is Reason.OBSERVED_ONLY for note in previewed.plan.notes)


def _document(found: list[Found], changed: int, unknown: int) -> dict[str, Any]:
    return {
        "changed": changed,
        "observed": sum(isinstance(what, Previewed) and watched(what) for _, what in found),
        "unknown": unknown,
        "people": [{"name": one.name, "account": one.account, **_parts(what)} for one, what in found],
    }


def _parts(what: Previewed | AppTrouble | AppRefusal) -> dict[str, Any]:
    if not isinstance(what, Previewed):
        return {"fault": what.detail}
    lines = explain_plan(what.should, what.plan) if what.plan.steps else ()
    steps = [
        {"what": line.what, "reason": line.reason.value if line.reason else "", "cause": line.cause}
        for line in lines
        if line.topic == "how"
    ]
    notes = [{"about": one.about, "reason": one.reason.value, "cause": one.cause} for one in what.plan.notes]
    return {"steps": steps, "notes": notes}
