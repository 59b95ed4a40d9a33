"""A counter that costs a dictionary look-up."""

from prometheus_client import CollectorRegistry, generate_latest

from proxy.telemetry.counts import PlainCounts


def test_what_was_added_is_what_is_scraped() -> None:
    registry, counts = CollectorRegistry(), PlainCounts("muster_answers", "Answers.", "kind")
    registry.register(counts)
    for word in ("a", "b", "a"):
        counts.add(word)
    text = generate_latest(registry).decode()
    assert 'muster_answers_total{kind="a"} 2.0' in text
    assert 'muster_answers_total{kind="b"} 1.0' in text
