"""`config/reference.yaml` loads as it stands, and says what the defaults are."""

import re
from pathlib import Path

import pytest

from proxy.settings.document import read_document
from proxy.settings.load import parse
from proxy.settings.outline import COMPUTED, every_entry
from proxy.settings.reference import flow, render_reference


def reference(folder: Path) -> str:
    """With a claim for the user, which a configuration without `app` needs."""
    return render_reference().replace("user_claim: null", "user_claim: email")


def test_it_loads_as_it_stands_but_for_the_user_claim(tmp_path: Path) -> None:
    settings = parse(reference(tmp_path), folder=tmp_path, environ={})
    assert settings.idps[0].id == "corp"


def test_what_it_says_is_what_holds_without_it(tmp_path: Path) -> None:
    least = (
        "public_url: https://app.example.com\nupstream: {url: http://127.0.0.1:3000}\nheaders: {user_claim: email}\n"
        "idps: [{id: corp, issuer: https://idp.example.com, client_id: muster}]\n"
    )
    written = parse(reference(tmp_path), folder=tmp_path, environ={})
    assert dict(written) == dict(parse(least, folder=tmp_path, environ={}))


def test_every_setting_stands_in_it() -> None:
    text, lines = render_reference(), read_document(render_reference()).lines
    for entry in every_entry():
        place = tuple(0 if step == "*" else step for step in entry.loc)
        is_commented = (
            entry.default is COMPUTED
            or place[0] in ("app", "paths", "bearer", "upstreams", "tls")
            or place[1:2] in (("links",), ("order",), ("redis",))
            or place[2:3] == ("directory",)
        )
        assert place in lines or (
            is_commented and re.search(rf"^ *# .*\b{entry.name}:", text, re.MULTILINE)
        ), place


def test_what_is_commented_out_loads_when_it_is_let_in(tmp_path: Path) -> None:
    lines = render_reference().split("\n")
    start = lines.index("app: null")
    end = next(index for index in range(start + 1, len(lines)) if not lines[index].startswith("#"))
    section = "\n".join(line.removeprefix("# ") for line in lines[start + 1 : end])
    least = (
        "public_url: https://app.example.com\nupstream: {url: http://127.0.0.1:3000}\n"
        "idps: [{id: corp, issuer: https://idp.example.com, client_id: muster}]\n"
    )
    settings = parse(least + section, folder=tmp_path, environ={})
    assert settings.app is not None
    assert settings.app.preset == "redmine"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (12, "12"),
        ("word", "word"),
        ("5s", "5s"),
        ("8KiB", "8KiB"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("true", '"true"'),
        ("12", '"12"'),
        ("", '""'),
        ("*", '"*"'),
        ("a: b", '"a: b"'),
        ((), "[]"),
        (["a", "b"], "[a, b]"),
        ({"after": "24h"}, "{after: 24h}"),
    ],
)
def test_a_value_is_written_so_that_it_is_read_back(value: object, text: str) -> None:
    assert flow(value) == text
    back = read_document(f"a: {text}").tree["a"]
    assert back == (list(value) if isinstance(value, tuple) else value)
