"""Every `file.py:name` that a document mentions exists, and the page about a request's life goes through the whole of it."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, defined_in, page_id, text_of

MENTION = re.compile(r"`([\w/]+\.py):([A-Za-z_][\w.]*)`")
FILE = re.compile(r"`((?:proxy|tests|config|bench|docs)/[\w./-]+)`")
SECTIONS = ("fast path", "slow path", "renewal", "sign-in", "removal", "shutdown")


def unknown_mentions(text: str) -> list[str]:
    """Mentions of a file that is not there, or of a name that it does not define."""
    return [
        f"{path}:{name}"
        for path, name in MENTION.findall(text)
        if not (ROOT / path).is_file() or name not in defined_in(path)
    ]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_symbol_that_is_named_exists(page: Path) -> None:
    assert unknown_mentions(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = FILE.findall(page.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_life_of_a_request_is_told_from_socket_to_socket() -> None:
    headings = " ".join(re.findall(r"^## (.+)$", text_of("docs/request.md"), re.MULTILINE)).lower()
    assert [section for section in SECTIONS if section not in headings] == []


def test_the_page_names_a_symbol_of_every_room_that_a_request_meets() -> None:
    rooms = {path.split("/")[1] for path, _ in MENTION.findall(text_of("docs/request.md"))}
    assert rooms >= {"edge", "gate", "session", "oidc", "provisioning", "web", "app"}


@pytest.mark.parametrize("mention", ["`proxy/gate/gate.py:Gate.nowhere`", "`proxy/gate/gone.py:Gate`"])
def test_a_name_that_is_not_there_is_found(mention: str) -> None:
    assert unknown_mentions(f"see {mention}") != []
