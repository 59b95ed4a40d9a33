"""A finding's line, its JSON, and that one examination which breaks hides no other."""

import asyncio

import pytest

from proxy.cli.doctor_finding import (
    Findings,
    Result,
    bounded,
    failed,
    has_failed,
    ok,
    overall,
    print_findings,
    warning,
)
from proxy.errors import Problem, SettingsError, Unavailable


def test_a_line_says_how_it_stands_what_was_seen_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings([ok("store", "opens"), failed("app", "no\x1b[2Janswer", "start it")])
    _, good, bad = capsys.readouterr().out.splitlines()
    assert good.split(maxsplit=2) == ["ok", "store", "opens"]
    assert bad.split(maxsplit=2) == ["failed", "app", "no\\x1b[2Janswer \\u2192 start it"]


def test_json_has_no_empty_advice() -> None:
    assert ok("store", "opens").document() == {
        "check": "store",
        "result": "ok",
        "seen": "opens",
        "advice": None,
    }
    assert warning("store", "s", "do").document()["advice"] == "do"


@pytest.mark.parametrize(
    ("findings", "worst", "is_failure"),
    [
        ([], Result.OK, False),
        ([ok("a", "")], Result.OK, False),
        ([ok("a", ""), warning("b", "")], Result.WARNING, False),
        ([failed("c", ""), warning("b", "")], Result.FAILED, True),
    ],
)
def test_only_what_failed_fails_the_whole(findings: Findings, worst: Result, is_failure: bool) -> None:
    assert overall(findings) is worst
    assert has_failed(findings) is is_failure


async def test_what_was_found_is_passed_on() -> None:
    async def look() -> Findings:
        return [ok("a", "well")]

    assert await bounded("a", look()) == [ok("a", "well")]


async def test_what_does_not_end_is_ended() -> None:
    async def look() -> Findings:
        await asyncio.Event().wait()
        return []

    (found,) = await bounded("app", look(), seconds=0.01)
    assert (found.check, found.result) == ("app", Result.FAILED)
    assert "within 0.01 s" in found.seen


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (
            SettingsError((Problem(path="idps.corp.ca_file", line=None, message="no"),)),
            "idps.corp.ca_file: no",
        ),
        (Unavailable("the store is away"), "the store is away"),
        (KeyError("a secret"), "the check itself went wrong (KeyError)"),
    ],
)
async def test_what_breaks_is_a_finding_without_a_traceback(error: Exception, seen: str) -> None:
    async def look() -> Findings:
        raise error

    (found,) = await bounded("idp corp", look())
    assert (found.result, found.seen) == (Result.FAILED, seen)
