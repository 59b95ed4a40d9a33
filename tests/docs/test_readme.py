"""The README is true: what it shows is what is in the tree, in the order in which a newcomer needs it."""

import json
import re
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.demo.run import STORY_EVERY, USUAL_PORT
from tests.docs.pages import text_of
from tests.docs.test_examples import served
from tests.docs.test_rules import sections
from tests.partners.redmine_template import SIGN_IN_BY_HEADER

PAGE = "README.md"


def block(language: str, *, holding: str = "") -> str:
    """The first fenced block of a language that holds a text."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```", text_of(PAGE), re.MULTILINE | re.DOTALL)
    return next(found for found in blocks if holding in found)


def test_the_demo_comes_first_and_redmine_second() -> None:
    headings = re.findall(r"^## (.+)$", text_of(PAGE), re.MULTILINE)
    assert headings[0] == "Try it"
    assert headings[1].startswith("Redmine")
    assert "What it does not do yet" in headings


def test_the_redmine_configuration_is_the_example_word_for_word() -> None:
    assert block("yaml", holding="preset: redmine") == text_of("config/examples/redmine.yaml")


def test_redmine_believes_the_header_by_the_lines_that_tests_run_it_with() -> None:
    assert block("ruby").strip() == SIGN_IN_BY_HEADER.strip()


def test_what_explain_prints_is_what_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = Path(__file__).parents[2] / "config" / "examples" / "redmine.yaml"
    served(example, tmp_path)
    claims = tmp_path / "claims.json"
    claims.write_text(json.dumps(json.loads(block("json"))))
    assert main(["explain", "-c", str(tmp_path / "muster.yaml"), "--claims", str(claims)]) == 0
    shown = block("console", holding="muster explain").splitlines()
    assert shown[0] == "$ muster explain -c muster.yaml --claims claims.json"
    assert capsys.readouterr().out.splitlines() == shown[1:]


def test_the_example_passes_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = Path(__file__).parents[2] / "config" / "examples" / "redmine.yaml"
    served(example, tmp_path)
    assert main(["check", "-c", str(tmp_path / "muster.yaml"), "--app"]) == 0
    assert "no mistake found" in capsys.readouterr().out


def test_the_demos_address_is_the_one_that_is_shown() -> None:
    assert f"http://app.localhost:{USUAL_PORT}/" in block("sh", holding="curl")
    assert STORY_EVERY < 10


def test_what_is_said_not_to_be_there_is_not() -> None:
    """A promise that was kept must leave the list: these words name settings and packages that do not exist yet."""
    root = Path(__file__).parents[2]
    later = text_of(PAGE).split("## What it does not do yet")[1]
    settings = text_of("config/reference.yaml")
    for word, is_built in (
        ("Redis", "redis:" in settings),
        ("SAML", (root / "proxy" / "saml").exists()),
        ("SCIM", (root / "proxy" / "scim").exists()),
        ("`trusted_proxies`", "trusted_proxies:" in settings),
        ("WebSockets", "websocket" in settings.lower()),
        ("chart", any((root / "charts").rglob("Chart.yaml"))),
    ):
        assert (word in later) is not is_built, word


def test_the_readme_leads_to_the_list_by_section() -> None:
    assert "docs/rules.md#what-010-does-not-do-yet" in text_of(PAGE)
    assert "## What 0.1.0 does not do yet" in text_of("docs/rules.md")
    assert "10.2" in sections()


def test_the_changelog_begins_with_the_version_that_is_built() -> None:
    version = re.search(r'^version = "(.+)"', text_of("pyproject.toml"), re.MULTILINE)
    newest = re.search(r"^## (\S+)", text_of("CHANGELOG.md"), re.MULTILINE)
    assert version is not None
    assert newest is not None
    assert newest[1] == version[1]
