"""Every metric has bounded labels and says what its name says."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.telemetry.metrics import CONTENT_TYPE, Metrics, Words


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """A sample as a scraper sees it."""
    families = text_string_to_metric_families(metrics.render().decode())
    samples = (sample for family in families for sample in family.samples)
    return next((one.value for one in samples if one.name == name and one.labels == labels), None)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(idps=("corp",))


def test_the_alarms_of_an_idp_are_there_before_anything_happens(metrics: Metrics) -> None:
    assert value(metrics, "muster_idp_misconfigured", idp="corp") == 0
    assert value(metrics, "muster_idp_trouble", idp="corp") == 0


@pytest.mark.parametrize(
    ("outcomes", "misconfigured", "trouble"),
    [
        (["refreshed"], 0, 0),
        (["misconfigured"], 1, 0),
        (["trouble"], 0, 1),
        (["misconfigured", "trouble"], 1, 1),
        (["misconfigured", "refreshed"], 0, 0),
        (["misconfigured", "denied"], 0, 0),
        (["trouble", "ask_again"], 0, 0),
        (["trouble", "misconfigured"], 1, 0),
    ],
)
def test_an_alarm_stands_while_it_is_so_and_silence_proves_nothing(
    metrics: Metrics, outcomes: list[str], misconfigured: int, trouble: int
) -> None:
    for outcome in outcomes:
        metrics.refresh_outcome("corp", outcome)
    assert value(metrics, "muster_idp_misconfigured", idp="corp") == misconfigured
    assert value(metrics, "muster_idp_trouble", idp="corp") == trouble


def test_refreshes_are_counted_by_outcome(metrics: Metrics) -> None:
    for outcome in ("refreshed", "refreshed", "denied"):
        metrics.refresh_outcome("corp", outcome)
    assert value(metrics, "muster_refresh_outcomes_total", idp="corp", outcome="refreshed") == 2
    assert value(metrics, "muster_refresh_outcomes_total", idp="corp", outcome="denied") == 1


def test_an_answer_that_is_no_refresh_moves_the_alarms_and_counts_nothing(metrics: Metrics) -> None:
    metrics.idp_answered("corp", "misconfigured")
    assert value(metrics, "muster_idp_misconfigured", idp="corp") == 1
    assert value(metrics, "muster_refresh_outcomes_total", idp="corp", outcome="misconfigured") is None


def test_the_outbox_is_shown_by_state_and_age(metrics: Metrics) -> None:
    metrics.outbox(opened=3, parked=2, held=1, oldest_age=12.5)
    assert [value(metrics, "muster_outbox_entries", state=state) for state in ("open", "parked", "held")] == [
        3,
        2,
        1,
    ]
    assert value(metrics, "muster_outbox_oldest_seconds") == 12.5


def test_the_other_counters_count(metrics: Metrics) -> None:
    metrics.sign_in("corp", "signed_in")
    metrics.app_call("join", "performed")
    metrics.session_ended("idp_denied", 2)
    metrics.groups_not_stated("corp")
    metrics.lines_lost(4)
    metrics.requests.add("2xx")
    metrics.requests.add("2xx")
    assert value(metrics, "muster_sign_ins_total", idp="corp", result="signed_in") == 1
    assert value(metrics, "muster_app_calls_total", operation="join", outcome="performed") == 1
    assert value(metrics, "muster_sessions_ended_total", reason="idp_denied") == 2
    assert value(metrics, "muster_groups_not_stated_total", idp="corp") == 1
    assert value(metrics, "muster_log_lines_lost_total") == 4
    assert value(metrics, "muster_requests_total", outcome="2xx") == 2


def test_a_released_guard_falls_back_to_0(metrics: Metrics) -> None:
    metrics.guard_latched({"idp:corp", "link:Developers"})
    metrics.guard_latched({"idp:corp"})
    assert value(metrics, "muster_guard_latched", scope="idp:corp") == 1
    assert value(metrics, "muster_guard_latched", scope="link:Developers") == 0


def test_two_registries_do_not_meet(metrics: Metrics) -> None:
    metrics.sign_in("corp", "signed_in")
    assert value(Metrics(), "muster_sign_ins_total", idp="corp", result="signed_in") is None


def test_labels_are_bounded(metrics: Metrics) -> None:
    for number in range(300):
        metrics.app_call(f"operation-{number}", "performed")
    text = metrics.render().decode()
    assert 'operation="operation-299"' not in text
    assert text.count("muster_app_calls_total{") <= 201
    assert (value(metrics, "muster_app_calls_total", operation="other", outcome="performed") or 0) >= 100


def test_a_word_seen_before_the_bound_stays_itself() -> None:
    words = Words()
    for number in range(250):
        words.bounded(str(number))
    assert words.bounded("7") == "7"
    assert words.bounded("249") == "other"


def test_the_process_is_described_too(metrics: Metrics) -> None:
    assert b"process_resident_memory_bytes" in metrics.render()
    assert CONTENT_TYPE.startswith("text/plain")
