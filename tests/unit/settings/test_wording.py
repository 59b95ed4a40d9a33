"""Every finding becomes a sentence that says what to write, and none repeats a value."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from proxy.settings.model import Settings
from proxy.settings.wording import causes, sentence
from tests.fakes.configurations import IDP, mistakes_of


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"public_url": None}, "public_url", "this is required"),
        ({"insecure_http": "yes"}, "insecure_http", "write true or false"),
        (
            {"upstream": {"url": "http://a:1", "connections": "many"}},
            "upstream.connections",
            "write a whole number",
        ),
        (
            {"upstream": {"url": "http://a:1", "connections": 1.5}},
            "upstream.connections",
            "write a whole number",
        ),
        ({"upstream": {"url": "http://a:1", "connections": 0}}, "upstream.connections", "write 1 or more"),
        ({"limits": {"header_count": 5000}}, "limits.header_count", "write 1000 or less"),
        ({"upstream": {"url": 3}}, "upstream.url", "write text, in quotes"),
        ({"upstream": {"url": None}}, "upstream.url", "write some text here"),
        ({"upstream": "http://a:1"}, "upstream", "write `name: value` lines"),
        ({"open_paths": "/a"}, "open_paths", "write a list"),
        (
            {"app": {"preset": "demo", "url": "http://a:1", "variables": []}},
            "app.variables",
            "write `name: value` lines",
        ),
        ({"idps": [{**IDP, "id": "Corp Ltd"}]}, "idps[0].id", "small letters"),
        ({"idps": [{**IDP, "groups_separator": ""}]}, "idps[0].groups_separator", "write some text"),
        (
            {"idps": [{**IDP, "groups_separator": "x" * 9}]},
            "idps[0].groups_separator",
            "at most 8 characters",
        ),
        (
            {"upstream": {"url": "http://a:1", "host": "kep"}},
            "upstream.host",
            "write one of keep, upstream; did you mean keep?",
        ),
        ({"upstream": {"url": "http://a:1", "host": "zzz"}}, "upstream.host", "write one of keep, upstream"),
        ({"upstreem": {}}, "upstreem", "did you mean `upstream`?"),
        (
            {"idps": [{**IDP, "client_secrets": "x"}]},
            "idps[0].client_secrets",
            "did you mean `client_secret`?",
        ),
        ({"issuer": "https://x"}, "issuer", "it belongs to `idps`"),
        ({"cool_off": "1s"}, "cool_off", "it belongs to `refresh`"),
        ({"store": {"postgres": "x"}}, "store.postgres", "here stand sqlite"),
        ({"zzz": 1}, "zzz", "there is no such setting"),
    ],
)
def test_a_mistake_is_a_sentence(changes: dict[str, Any], path: str, said: str, tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, **changes)
    assert list(found) == [path]
    assert said in found[path]


def findings(text: str) -> list[ErrorDetails]:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate_json(text)
    return caught.value.errors(include_url=False)


def test_a_list_is_not_called_empty_because_its_items_are_wrong() -> None:
    kept = causes(
        findings('{"public_url": "https://a", "upstream": {"url": "http://a"}, "idps": [{"id": "a"}]}')
    )
    assert {error["type"] for error in kept} == {"missing"}


def test_an_empty_list_is() -> None:
    kept = causes(findings('{"public_url": "https://a", "upstream": {"url": "http://a"}, "idps": []}'))
    assert [sentence(error) for error in kept] == ["name at least one"]


def test_a_default_that_could_not_be_worked_out_is_no_mistake_of_its_own() -> None:
    kept = causes(
        findings(
            '{"public_url": "https://a", "upstream": {"url": "http://a"}, "idps": [{"id": "a", "issuer": "x", "client_id": "a"}]}'
        )
    )
    assert [error["loc"] for error in kept] == [("idps", 0, "issuer")]


def test_no_sentence_repeats_what_was_written(tmp_path: Path) -> None:
    broken = {
        **IDP,
        "client_secret": "hunter2",
        "client_auth": "hunter2",
        "timeout": "hunter2",
        "scopes": "hunter2",
        "kind": "hunter2",
    }
    found = mistakes_of(tmp_path, idps=[broken], listen="hunter2", log={"level": "hunter2"})
    assert len(found) == 7
    assert "hunter2" not in str(found)
