"""One warning for each peer and reason, however often it asks."""

from proxy.app.asked_in_vain import MOST, AskedInVain
from proxy.reasons import Reason


class Log:
    def __init__(self) -> None:
        self.lines: list[dict[str, str]] = []

    def warning(self, event: str, **facts: str) -> None:
        self.lines.append({"event": event, **facts})


def test_the_operator_reads_who_asked_why_in_vain_and_what_to_do_once() -> None:
    log = Log()
    told = AskedInVain(log)
    for _ in range(3):
        told("192.0.2.1", Reason.UNTRUSTED_PROXY)
    told("192.0.2.1", Reason.PROXY_UNCLEAR)
    assert [(line["peer"], line["reason"]) for line in log.lines] == [
        ("192.0.2.1", Reason.UNTRUSTED_PROXY),
        ("192.0.2.1", Reason.PROXY_UNCLEAR),
    ]
    assert "trusted_proxies" in log.lines[0]["what"]
    assert "X-Forwarded-Uri" in log.lines[1]["what"]


def test_many_peers_do_not_fill_the_memory() -> None:
    log = Log()
    told = AskedInVain(log)
    for number in range(MOST + 1):
        told(f"192.0.2.{number}", Reason.UNTRUSTED_PROXY)
    told("192.0.2.0", Reason.UNTRUSTED_PROXY)
    assert len(log.lines) == MOST + 2
