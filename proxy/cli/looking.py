"""What `muster sweep` and `muster groups push` share: progress on a terminal, the report, and the exit code."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from proxy.cli.desk import print_json, say
from proxy.cli.table import print_table
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.courier import Courier
from proxy.provisioning.report import Kind, Line, Report
from proxy.provisioning.whole import Progress
from proxy.reasons import Reason

CHANGES: Final = 3
SHOWN: Final = 40
"""Lines of a report that a person is shown; `--json` has more."""


@asynccontextmanager
async def at_work(courier: Courier) -> AsyncIterator[None]:
    """The courier carries out what is opened, beside a server's if one runs: claims keep the two apart."""
    running = asyncio.create_task(courier.run())
    try:
        yield
    finally:
        await courier.stop()
        await running


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The exit code: 0 when everything agreed, 3 when something differed or is held, 1 when the app gave no answer or refused.

    `facts` are for the audit trail.
    """

    code: int
    facts: dict[str, Any]


async def looked(look: Callable[[Progress], Awaitable[Report | AppFault]], *, is_json: bool) -> Looked:
    """What came of a look, once it is told."""
    answer = await look(told if sys.stderr.isatty() else _untold)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if isinstance(answer, AppTrouble | AppRefusal):
        say(f"nothing was looked at: {answer.detail}")
        reason = answer.reason if isinstance(answer, AppRefusal) else Reason.APP_TROUBLE
        return Looked(code=1, facts={"reason": reason.value, "outcome": answer.detail})
    if is_json:
        print_json(answer.document())
    else:
        show(answer)
    return Looked(code=CHANGES if answer.needs_attention else 0, facts=_facts(answer))


def _facts(report: Report) -> dict[str, Any]:
    found = {kind.value: report.count(kind) for kind in Kind}
    return {"outcome": "done", "looked_at": report.looked_at, "agree": report.agree, **found}


def told(what: str, done: int, whole: int) -> None:
    """One line on the terminal that is written over."""
    print(f"\r\033[K{what}: {done} of {whole}", end="", file=sys.stderr, flush=True)


def _untold(what: str, done: int, whole: int) -> None:
    """Nobody watches."""


def show(report: Report) -> None:
    """For people: what differs first, what is kept last."""
    order = [Kind.HELD, Kind.CHANGE, Kind.SKIPPED, Kind.KEPT]
    rows = sorted(report.lines, key=lambda one: order.index(one.kind))
    if rows:
        heads = ("", "account", "login", "what", "about", "reason", "because")
        print_table(heads, [_row(line, report.is_dry_run) for line in rows[:SHOWN]])
    if sum(number for _, _, number in report.counts) > SHOWN:
        print("... (--json shows more)")
    verb = "would be changed" if report.is_dry_run else "were changed"
    print(
        f"{report.looked_at} accounts looked at in {report.groups} groups, {report.agree} agree; "
        f"{report.changes} things {verb}, {report.count(Kind.HELD)} held, "
        f"{report.count(Kind.SKIPPED)} skipped, {report.count(Kind.KEPT)} kept"
    )
    for scope in report.held_scopes:
        print(f"{scope} is held: see muster held list")
    for scope in report.would_hold:
        print(f"{scope} would be held")


def _row(line: Line, is_dry_run: bool) -> tuple[str, ...]:
    word = "would" if line.kind is Kind.CHANGE and is_dry_run else line.kind.value
    return (word, line.account or "", line.login, line.what, line.about, line.reason.value, line.cause)
