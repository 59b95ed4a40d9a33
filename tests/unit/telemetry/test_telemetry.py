"""One object carries log, metrics, audit and access lines; nothing it writes holds a secret or breaks its caller."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.telemetry.telemetry import Streams, Telemetry, TelemetryRules


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class Heard:
    """A Telemetry over two buffers."""

    def __init__(
        self, *, level: str = "info", log: io.StringIO | None = None, out: io.StringIO | None = None
    ) -> None:
        self.log, self.out = log or io.StringIO(), out or io.StringIO()
        rules = TelemetryRules(level=level, idps=("corp",))
        self.telemetry = Telemetry(rules, streams=Streams(log=self.log, out=self.out), clock=lambda: 0.0)

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


def test_a_log_line_is_json_with_time_level_and_event() -> None:
    heard = Heard()
    heard.telemetry.log.warning("idp_misconfigured", idp="corp", attempts=2)
    assert heard.logged() == [
        {
            "at": "1970-01-01T00:00:00.000Z",
            "level": "warning",
            "event": "idp_misconfigured",
            "idp": "corp",
            "attempts": 2,
        }
    ]


def test_what_is_below_the_level_is_not_written() -> None:
    heard = Heard(level="warning")
    heard.telemetry.log.info("quiet")
    heard.telemetry.log.error("loud")
    assert [line["event"] for line in heard.logged()] == ["loud"]


def test_a_log_line_holds_no_secret() -> None:
    heard = Heard()
    heard.telemetry.log.info(
        "call", refresh_token="hunter2", detail="code=hunter2", headers={"Cookie": "hunter2"}
    )
    assert "hunter2" not in heard.log.getvalue()


def test_a_terminal_gets_text_for_people() -> None:
    heard = Heard(log=Terminal())
    heard.telemetry.log.info("started", client_secret="hunter2")
    assert "started" in heard.log.getvalue()
    assert "hunter2" not in heard.log.getvalue()
    assert not heard.log.getvalue().startswith("{")


def test_an_audit_record_goes_to_standard_output_at_once_without_secrets() -> None:
    heard = Heard()
    heard.telemetry.audit({"reason": "applied", "account": "7", "token": "hunter2"})
    assert heard.audited() == [
        {
            "kind": "audit",
            "at": "1970-01-01T00:00:00.000Z",
            "reason": "applied",
            "account": "7",
            "token": "[redacted]",
        }
    ]
    assert heard.log.getvalue() == ""


def test_a_bug_is_logged_with_its_trace_and_answered_with_an_id() -> None:
    heard = Heard()
    try:
        raise ValueError("refresh_token=hunter2")
    except ValueError as error:
        incident = heard.telemetry.report(error)
    (line,) = heard.logged()
    assert line["incident"] == incident
    assert len(incident) == 12
    assert "ValueError" in line["trace"]
    assert "hunter2" not in heard.log.getvalue()


def test_a_broken_stream_breaks_nobody() -> None:
    heard = Heard(log=Broken(), out=Broken())
    heard.telemetry.log.error("lost")
    heard.telemetry.audit({"reason": "lost"})
    assert b"muster_log_lines_lost_total 1.0" in heard.telemetry.metrics.render()


def test_access_lines_share_the_audits_stream() -> None:
    class Head:
        method, path = b"GET", b"/"

    heard = Heard()
    heard.telemetry.access("::1", Head(), 200, 1, 0.0, None)
    heard.telemetry.flush()
    assert heard.audited()[0]["kind"] == "access"


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield root
    root.handlers[:] = before
    root.setLevel(level)


def test_libraries_are_heard_in_the_same_log(root_logger: logging.Logger) -> None:
    heard = Heard()
    heard.telemetry.hear_libraries()
    logging.getLogger("asyncio").error(
        "Task exception was never retrieved, token=%s", "eyJhbGciOiJ9.eyJzdWIiOiJ9.c2ln"
    )
    logging.getLogger("asyncio").info("quiet")
    (line,) = heard.logged()
    assert (line["event"], line["logger"], line["level"]) == ("library", "asyncio", "error")
    assert "eyJ" not in heard.log.getvalue()


def test_a_librarys_exception_keeps_its_trace(root_logger: logging.Logger) -> None:
    heard = Heard()
    heard.telemetry.hear_libraries()
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logging.getLogger("aiohttp").exception("failed")
    assert "RuntimeError: boom" in heard.logged()[0]["trace"]
