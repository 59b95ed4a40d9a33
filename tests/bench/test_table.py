"""The table, what is compared within a round, and the goals."""

import pytest

from bench.figures import Run
from bench.table import (
    APACHE,
    ENVOY,
    MUSTER,
    NGINX,
    Goal,
    aligned,
    cpu_ratio,
    get_goals,
    idle_goal,
    rate_goal,
    table,
)


def run(cpu: float = 10.0, rps: float = 1000.0, p99: float = 1.0) -> Run:
    return Run(cpu_us=cpu, rps=rps, p50_ms=0.5, p99_ms=p99, p999_ms=2.0, rss_mib=80.4, mib_per_s=100.0)


def test_columns_stand_under_each_other() -> None:
    rows = [["proxy", "a", "bc"], ["nginx", "1000", "2"], ["longer name", "3", "4"]]
    assert aligned(rows).splitlines() == [
        "| proxy       |    a | bc |",
        "| ----------- | ---: | -: |",
        "| nginx       | 1000 |  2 |",
        "| longer name |    3 |  4 |",
    ]


def test_each_proxy_has_its_medians_and_its_multiple_of_nginx() -> None:
    lines = table({NGINX: [run(10)], MUSTER: [run(15, rps=900.0)]}).splitlines()
    assert [cell.strip() for cell in lines[0].strip("|").split("|")][:4] == [
        "proxy",
        "CPU µs",
        "× nginx",
        "requests/s",
    ]
    assert [cell.strip() for cell in lines[3].strip("|").split("|")] == [
        *("Muster", "15.0", "1.50", "900", "0.50", "1.00", "2.00", "80"),
    ]


def test_a_body_has_its_rate_instead_of_latencies() -> None:
    lines = table({NGINX: [run(250_000)]}, is_bulk=True).splitlines()
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == ["nginx", "250", "1.00", "100", "80"]


def test_without_nginx_there_is_nothing_to_compare_with() -> None:
    assert "–" in table({MUSTER: [run()]})


def test_what_is_compared_stood_in_the_same_round() -> None:
    """A busy minute hits both: 2, 2 and 2, although the medians are 30 and 10."""
    runs = {NGINX: [run(10), run(100), run(5)], MUSTER: [run(20), run(200), run(10)]}
    assert cpu_ratio(runs, MUSTER, NGINX) == 2.0


def test_a_missing_side_gives_no_figure() -> None:
    assert cpu_ratio({MUSTER: [run()]}, MUSTER, NGINX) is None
    assert cpu_ratio({MUSTER: [run()], NGINX: []}, MUSTER, NGINX) is None


@pytest.mark.parametrize(
    ("figure", "is_least", "expected"),
    [(2.0, False, True), (2.01, False, False), (2.0, True, True), (1.99, True, False), (None, False, None)],
)
def test_a_goal_is_held_at_its_limit(figure: float | None, is_least: bool, expected: bool | None) -> None:
    assert Goal(text="x", figure=figure, limit=2.0, is_least=is_least).is_held is expected


def test_a_goal_says_whether_it_was_held_and_by_what() -> None:
    assert Goal(text="x ≤ 2", figure=1.5, limit=2.0).line() == "held         x ≤ 2: 1.5"
    assert Goal(text="x ≤ 2", figure=2.5, limit=2.0).line() == "NOT HELD     x ≤ 2: 2.5"
    assert Goal(text="x ≤ 2", figure=None, limit=2.0).line() == "not measured x ≤ 2"


def held(runs: dict[str, list[Run]]) -> list[bool | None]:
    return [goal.is_held for goal in get_goals(runs)]


def test_the_goals_of_the_signed_in_get() -> None:
    others = {NGINX: [run(10)], ENVOY: [run(50, rps=800)], APACHE: [run(150, rps=300)]}
    assert held({**others, MUSTER: [run(20)]}) == [True] * 5
    assert held({**others, MUSTER: [run(21)]}) == [False, True, True, True, True]
    assert held({**others, MUSTER: [run(26)]}) == [False, False, True, True, True]
    assert held({**others, MUSTER: [run(31)]}) == [False, False, False, True, True]
    assert held({**others, MUSTER: [run(20, rps=700)]}) == [True, True, True, False, True]
    assert held({NGINX: others[NGINX], MUSTER: [run(20)]}) == [True, None, None, None, None]


def test_the_p99_may_be_two_milliseconds_more_within_a_round() -> None:
    nginx = [run(p99=1.0), run(p99=50.0), run(p99=1.5)]
    assert rate_goal({NGINX: nginx, MUSTER: [run(p99=2.5), run(p99=52.0), run(p99=3.6)]}).is_held
    assert not rate_goal({NGINX: nginx, MUSTER: [run(p99=3.5), run(p99=52.1), run(p99=3.4)]}).is_held
    assert rate_goal({}).is_held is None


def test_ninety_mebibytes_are_allowed_idle() -> None:
    assert idle_goal(90.0).is_held
    assert not idle_goal(90.5).is_held
    assert idle_goal(None).is_held is None
