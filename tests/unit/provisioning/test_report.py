"""Reports stay small, and their counts are whole."""

import json

from proxy.provisioning.model import AccountId
from proxy.provisioning.report import MOST_LINES, Kind, Line, Tally
from proxy.reasons import Reason


def line(kind: Kind = Kind.CHANGE, what: str = "join") -> Line:
    return Line(kind=kind, account=AccountId("1"), login="ada", what=what, about="team", reason=Reason.LINKED)


def test_counts_go_on_when_lines_stop() -> None:
    tally = Tally()
    for _ in range(MOST_LINES + 5):
        tally.add(line())
    tally.add(line(Kind.KEPT, "unknown_member"))
    report = tally.report(is_dry_run=True, seconds=1.0)
    assert (report.changes, report.count(Kind.KEPT), report.count(Kind.CHANGE, "leave")) == (
        MOST_LINES + 5,
        1,
        0,
    )
    assert len(report.lines) == MOST_LINES + 1


def test_changes_and_what_is_held_need_attention_and_what_is_kept_does_not() -> None:
    for kind, expected in ((Kind.CHANGE, True), (Kind.HELD, True), (Kind.KEPT, False), (Kind.SKIPPED, False)):
        tally = Tally()
        tally.add(line(kind))
        assert tally.report(is_dry_run=False, seconds=0).needs_attention is expected
    assert Tally(held_scopes={"link:team"}).report(is_dry_run=False, seconds=0).needs_attention
    assert not Tally(agree=5).report(is_dry_run=False, seconds=0).needs_attention


def test_a_report_is_a_document() -> None:
    tally = Tally(looked_at=1, held_scopes={"link:team"})
    tally.add(line())
    document = json.loads(json.dumps(tally.report(is_dry_run=False, seconds=2.5).document()))
    assert document["counts"] == [{"kind": "change", "what": "join", "count": 1}]
    assert document["lines"][0]["about"] == "team"
    assert (document["held_scopes"], document["seconds"]) == (["link:team"], 2.5)
