"""The documents tell the truth where a test can check it: links, commands, make targets, settings and metrics they name."""

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from proxy.cli.arguments import build_parser
from proxy.settings.outline import every_entry
from proxy.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(text: str) -> Iterator[str]:
    """Command lines of `muster` in code blocks and in back-ticks."""
    for block in re.findall(r"```(?:sh|console|bash)?\n(.*?)```", text, re.DOTALL):
        yield from (line.removeprefix("$ ").strip() for line in block.splitlines())
    yield from re.findall(r"`(muster [^`]+)`", text)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_that_is_shown_is_one(page: Path) -> None:
    parser = build_parser()
    known = {
        *("serve", "check", "doctor", "explain", "plan", "groups", "members", "sessions", "keys"),
        *("provisioning", "held", "parked", "audit", "demo", "sweep"),
    }
    for line in commands(page.read_text("utf-8")):
        words = [] if "…" in line else _words(line)
        if words[:1] != ["muster"]:
            continue
        assert words[1] in known or words[1].startswith("-"), line
        if words[1] != "demo" and "-c" in words:
            with suppress(SystemExit):
                parser.parse_args(words[1:])
                continue
            pytest.fail(f"not a command: {line}")


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return []
    return words[: words.index("|")] if "|" in words else words


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_make_target_that_is_shown_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = set(re.findall(r"`make ([a-z]+)", page.read_text("utf-8")))
    assert shown - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_metric_that_is_named_exists(page: Path) -> None:
    metrics = Metrics()
    metrics.requests.add("2xx")
    known = set(re.findall(r"^# HELP (muster_\w+)", metrics.render().decode(), re.MULTILINE))
    named = set(re.findall(r"`(muster_[a-z_]+?)(?:\{[^}]*\})?`", page.read_text("utf-8")))
    assert named - known == set()


def test_every_metric_is_in_the_operators_page() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    metrics = Metrics()
    names = set(re.findall(r"^# HELP (muster_\w+)", metrics.render().decode(), re.MULTILINE))
    assert {name for name in names if not name.endswith("_created") and name not in text} == set()


def test_every_setting_is_in_the_settings_page() -> None:
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert [
        entry.loc
        for entry in every_entry()
        if f"`{entry.name}`" not in text and f".{entry.name}" not in text and f"`{entry.name}[]`" not in text
    ] == []


def test_decisions_are_numbered_once() -> None:
    numbers = [page.name.split("-")[0] for page in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(numbers) == len(set(numbers))
