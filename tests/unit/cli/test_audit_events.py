"""The words that `muster audit --event` takes; tests/docs holds them to the code that writes them."""

from proxy.cli.audit_events import EVENTS


def test_every_event_is_one_small_word() -> None:
    assert {word for word in EVENTS if not word.replace("_", "").isalpha() or word != word.lower()} == set()
    assert {"sign_in", "archive", "app_call", "rule"} <= EVENTS
