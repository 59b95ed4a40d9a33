"""The operators' page names every metric, every audit event and every reason, and no other; what it tells to run does run."""

import ast
import re
import sqlite3
from pathlib import Path

import pytest

from proxy.cli.audit_events import EVENTS
from proxy.cli.main import main
from proxy.reasons import Reason
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.schema import migrate
from proxy.telemetry.metrics import Metrics
from tests.docs.pages import ROOT, text_of

PAGE = "docs/operations.md"
TOPICS = (
    "start and stop",
    "commands",
    "health",
    "metrics",
    "log, audit",
    "reasons",
    "files and permissions",
    "backup and restore",
    "rotating",
    "is down",
    "parked and held",
)


def section(title: str) -> str:
    """The text under a heading, up to the next."""
    found = re.search(rf"^## {title}.*?\n(.*?)(?=^## |\Z)", text_of(PAGE), re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def first_cells(text: str) -> list[str]:
    """The first column of every table row, without its head."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


def test_every_topic_has_its_section() -> None:
    headings = " ".join(re.findall(r"^## (.+)$", text_of(PAGE), re.MULTILINE)).lower()
    assert [topic for topic in TOPICS if topic not in headings] == []


def test_the_metrics_table_is_what_is_served() -> None:
    metrics = Metrics(["corp"])
    metrics.requests.add("2xx")
    rendered = metrics.render().decode()
    helped = set(re.findall(r"^# HELP (muster_\w+)", rendered, re.MULTILINE))
    served = {name for name in helped if not name.endswith("_created")}
    assert {cell.split("{")[0] for cell in first_cells(section("Metrics"))} == served


def test_the_labels_in_the_metrics_table_are_those_of_the_metrics() -> None:
    source = text_of("proxy/telemetry/metrics.py") + text_of("proxy/telemetry/edge.py")
    for cell in first_cells(section("Metrics")):
        name, _, labels = cell.removeprefix("muster_").rstrip("}").partition("{")
        stem = name.removesuffix("_total")
        declared = re.search(rf'"(?:muster_)?{stem}",\s*"[^"]+",?\s*([^)]*)\)', source)
        assert declared is not None, cell
        assert set(re.findall(r'"(\w+)"', declared[1])) == set(labels.split(",")) - {""}, cell


def test_the_reasons_table_is_the_closed_set() -> None:
    assert sorted(first_cells(section("Reasons"))) == sorted(Reason)


def audit_events() -> set[str]:
    """Every word that is written as an audit event, by whoever writes one."""
    observers, events = text_of("proxy/app/observers.py"), {"app_call"}
    events |= set(re.findall(r'_audit\(\s*"(\w+)"', observers))
    for path in (ROOT / "proxy" / "cli").glob("*.py"):
        events |= set(re.findall(r'audited\((?:store, )?"(\w+)"', path.read_text("utf-8")))
    events |= set(re.findall(r'"event": "(\w+)"', text_of("proxy/app/trail.py")))
    for path in (ROOT / "proxy" / "provisioning").glob("*.py"):
        events |= set(re.findall(r'journal\.write\(\s*"(\w+)"', path.read_text("utf-8")))
    tree = ast.parse(text_of("proxy/provisioning/performing.py"))
    named = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "operation_name")
    events |= set(re.findall(r'return "(\w+)"', ast.unparse(named).replace("'", '"')))
    return events | {"hold", "park"}


def test_the_audit_table_is_what_is_written() -> None:
    assert set(first_cells(section("Log, audit"))) == audit_events()
    assert audit_events() == EVENTS


@pytest.mark.parametrize("field", ["peer", "method", "path", "status", "bytes", "ms", "session", "refused"])
def test_every_field_of_an_access_line_is_named(field: str) -> None:
    assert f'"{field}":' in text_of("proxy/telemetry/access.py")
    assert f"`{field}`" in section("Log, audit")


def test_every_exit_code_of_the_command_is_named() -> None:
    codes = set(re.findall(r"^\| (\d+) +\|", main.__globals__["__doc__"], re.MULTILINE))
    assert codes == set(re.findall(r"^\| (\d+) \|", section("Start and stop"), re.MULTILINE))


def test_what_is_run_after_a_restore_runs() -> None:
    statements = re.findall(r"```sql\n(.*?)```", text_of(PAGE), re.DOTALL)[0]
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    connection.executescript(statements)
    assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    connection.close()


def test_a_key_line_made_as_told_is_a_key(tmp_path: Path) -> None:
    ring = tmp_path / "muster.keys"
    old = load_keyring(ring).keys[0]
    # `openssl rand -base64 32 | tr '+/' '-_'` of bytes that need both replacements.
    line = "-_" + "A" * 41 + "="
    ring.write_text(line + "\n" + ring.read_text())
    keys = load_keyring(ring).keys
    assert len(keys) == 2
    assert keys[1].secret == old.secret
    assert "openssl rand -base64 32 | tr '+/' '-_'" in section("Rotating")
