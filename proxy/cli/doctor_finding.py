"""What one check of `muster doctor` found: how it stands, what was seen, and what to do about it."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final, TypeAlias

from proxy.cli.table import print_table
from proxy.errors import SettingsError, Unavailable

MOST_SECONDS: Final = 30.0
"""How long one partner may be examined in all; each exchange with it ends within five seconds."""


@unique
class Result(StrEnum):
    """How a check ended. A warning asks for a look; only what failed makes the command's exit code 1."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report. `advice` is empty where nothing is to be done. No secret stands in it."""

    check: str
    result: Result
    seen: str
    advice: str = ""

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "check": self.check,
            "result": self.result.value,
            "seen": self.seen,
            "advice": self.advice or None,
        }


Findings: TypeAlias = list[Finding]


def ok(check: str, seen: str) -> Finding:
    return Finding(check=check, result=Result.OK, seen=seen)


def warning(check: str, seen: str, advice: str = "") -> Finding:
    return Finding(check=check, result=Result.WARNING, seen=seen, advice=advice)


def failed(check: str, seen: str, advice: str = "") -> Finding:
    return Finding(check=check, result=Result.FAILED, seen=seen, advice=advice)


def has_failed(findings: Iterable[Finding]) -> bool:
    return any(one.result is Result.FAILED for one in findings)


def overall(findings: Iterable[Finding]) -> Result:
    """The worst of them."""
    results = {one.result for one in findings}
    return next((one for one in (Result.FAILED, Result.WARNING) if one in results), Result.OK)


def print_findings(findings: Findings) -> None:
    """One line a check."""
    print_table(("", "check", "what was seen"), [_row(one) for one in findings])


def _row(one: Finding) -> tuple[str, str, str]:
    return one.result.value, one.check, f"{one.seen} → {one.advice}" if one.advice else one.seen


async def bounded(check: str, examination: Awaitable[Findings], *, seconds: float = MOST_SECONDS) -> Findings:
    """What an examination finds, in time. One that breaks is a finding: it must not hide what the others found."""
    try:
        async with asyncio.timeout(seconds):
            return await examination
    except TimeoutError:
        return [failed(check, f"no end of it within {seconds:g} s", "see whether it is slow or overloaded")]
    except SettingsError as error:
        return [failed(check, str(problem)) for problem in error.problems]
    except Unavailable as error:
        return [failed(check, error.reason)]
    except Exception as error:  # a bug of ours, or an answer nobody thought of
        return [failed(check, f"the check itself went wrong ({type(error).__name__})", "please report it")]
