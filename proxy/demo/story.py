"""`muster demo --story`: the whole story over real sockets, unattended.

A line per thing seen; exit 1 at the first that is not so.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from proxy.demo import scenes_leaving, scenes_staying
from proxy.demo.cast import Cast, NotSo
from proxy.demo.child import ChildDied
from proxy.demo.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; `play` returns what was seen, or raises NotSo."""

    title: str
    play: Callable[[Cast], Awaitable[list[str]]]


STEPS = (
    Step(title="First visit", play=scenes_staying.first_visit),
    Step(title="Groups change at the IdP", play=scenes_staying.groups_follow),
    Step(title="Silence, outage, rotated secret", play=scenes_staying.silence_takes_nothing),
    Step(title="Suspended", play=scenes_leaving.suspended),
    Step(title="Re-enabled", play=scenes_leaving.enabled_again),
    Step(title="Crowds", play=scenes_leaving.crowds),
    Step(title="kill -9", play=scenes_leaving.crash),
)


async def tell(stage: Stage, say: Callable[[str], None], steps: tuple[Step, ...] = STEPS) -> int:
    """Play every step; 0, or 1 at the first that is not so."""
    say(f"Muster at {stage.at.public_url}, asking {stage.at.issuer} again every {stage.every:g} s")
    async with AsyncExitStack() as stack:
        cast = Cast(stage=stage, stack=stack)
        for number, step in enumerate(steps, 1):
            try:
                seen = await step.play(cast)
            except NotSo as otherwise:
                say(f"{number}. {step.title}: NOT SO – {otherwise}")
                return 1
            except (aiohttp.ClientError, OSError, TimeoutError, ChildDied) as failure:
                say(
                    f"{number}. {step.title}: NOT SO – {failure!r}; the end of Muster's log:\n{stage.muster.tail()}"
                )
                return 1
            say(f"{number}. {step.title}: so")
            for line in seen:
                say(f"     {line}")
    say("The story is so, from beginning to end.")
    return 0
