"""What a look tells a person."""

import pytest

from proxy.cli.looking import CHANGES, SHOWN, looked, show, told
from proxy.provisioning.app_admin import AppFault, AppTrouble
from proxy.provisioning.model import AccountId
from proxy.provisioning.report import Kind, Line, Report, Tally
from proxy.provisioning.whole import Progress
from proxy.reasons import Reason


def tally(*kinds: Kind) -> Tally:
    made = Tally(looked_at=3, groups=2, agree=1)
    for kind in kinds:
        made.add(
            Line(
                kind=kind,
                account=AccountId("1"),
                login="ada",
                what="leave",
                about="team",
                reason=Reason.NO_MATCH,
            )
        )
    return made


async def code(answer: Report | AppFault, *, is_json: bool = False) -> int:
    async def look(progress: Progress) -> Report | AppFault:
        progress("people", 1, 1)
        return answer

    return (await looked(look, is_json=is_json)).code


async def test_the_exit_code_says_whether_anything_differed() -> None:
    assert await code(tally(Kind.KEPT).report(is_dry_run=False, seconds=0)) == 0
    assert await code(tally(Kind.CHANGE).report(is_dry_run=False, seconds=0)) == CHANGES
    assert await code(tally(Kind.HELD).report(is_dry_run=True, seconds=0), is_json=True) == CHANGES
    assert await code(AppTrouble(detail="HTTP 503")) == 1


def test_what_is_held_comes_first_and_a_dry_run_says_would(capsys: pytest.CaptureFixture[str]) -> None:
    held = tally(Kind.KEPT, Kind.CHANGE, Kind.HELD)
    held.held_scopes.add("link:team")
    held.would_hold.add("link:sales")
    show(held.report(is_dry_run=True, seconds=0))
    text = capsys.readouterr().out
    assert [line.split()[0] for line in text.splitlines()[1:4]] == ["held", "would", "kept"]
    assert "1 things would be changed" in text
    assert "link:sales would be held" in text
    assert "link:team is held: see muster held list" in text
    show(held.report(is_dry_run=False, seconds=0))
    assert "link:team is held: see muster held list" in capsys.readouterr().out


def test_a_long_report_is_cut_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show(tally(*[Kind.KEPT] * (SHOWN + 1)).report(is_dry_run=False, seconds=0))
    assert "--json shows more" in capsys.readouterr().out


def test_progress_is_one_line_that_is_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    told("people", 3, 9)
    assert capsys.readouterr().err == "\r\033[Kpeople: 3 of 9"


async def test_the_trail_has_what_was_found() -> None:
    async def look(progress: Progress) -> Report | AppFault:
        return tally(Kind.CHANGE, Kind.KEPT).report(is_dry_run=False, seconds=0)

    facts = (await looked(look, is_json=True)).facts
    assert facts == {
        "outcome": "done", "looked_at": 3, "agree": 1, "change": 1, "kept": 1, "skipped": 0, "held": 0,
    }  # fmt: skip


async def test_the_trail_has_why_nothing_was_looked_at() -> None:
    async def look(progress: Progress) -> Report | AppFault:
        return AppTrouble(detail="HTTP 503")

    assert (await looked(look, is_json=False)).facts == {"reason": "app_trouble", "outcome": "HTTP 503"}
