"""Presets from files, and every mistake with its line."""

from importlib import resources
from pathlib import Path

import pytest

from proxy.apps.preset_file import load_preset, parse_preset, preset_names
from proxy.errors import SettingsError

DEMO = (resources.files("config") / "apps" / "demo.yaml").read_text("utf-8")


def mistakes(text: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        parse_preset(text, source="x.yaml")
    return [str(problem) for problem in error.value.problems]


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_of_the_program_loads_and_says_what_archiving_means(name: str) -> None:
    preset = load_preset(name, Path("/nowhere"))
    assert preset.archive_means
    assert preset.app


def test_there_are_a_demo_and_a_redmine() -> None:
    assert {"demo", "redmine"} <= set(preset_names())


def test_a_path_is_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(DEMO.replace("Muster demo app", "Mine"))
    assert load_preset("mine.yaml", tmp_path).app == "Mine"
    assert load_preset("./mine.yaml", tmp_path).app == "Mine"
    assert load_preset(str(tmp_path / "mine.yaml"), Path("/nowhere")).app == "Mine"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("redmin", "did you mean “redmine”"), ("x", "there are demo"), ("no/x.yaml", "No such file")],
)
def test_a_preset_that_is_not_there_is_told(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load_preset(name, tmp_path)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="no UTF-8"):
        load_preset("x.yaml", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "part", "sentence"),
    [
        (
            "archive_means:",
            "archive_mean:",
            "archive_mean:",
            "archive_mean: unknown key “archive_mean” (did you mean “archive_means”?)",
        ),
        ("  gone: [404]", "  gon: [404]", "gon:", "account.gon: unknown key “gon” (did you mean “gone”?)"),
        (
            "items: users",
            "item: users",
            "item: users",
            "search.requests[0].item: unknown key “item” (did you mean “items”?)",
        ),
        ("  page: page\n", "  pag: page\n", "pag:", "paging.pag: unknown key “pag” (did you mean “page”?)"),
        ("GET /api/me", "FETCH /api/me", "FETCH", "whoami.request: write a method and a path"),
        ("  role: role", '  role: "role["', "role[", "member.role: “role[” is no JMESPath"),
        ("{active: false}", '{active: "{aktive}"}', "archive:", "archive: {aktive} is not known here"),
        ("status: 409", "status: 99", "status: 99", "errors[0].status: Input should be greater"),
        ("logins: [", "logins: 5  # [", "logins:", "create.logins: "),
    ],
)
def test_a_mistake_is_told_with_its_line_and_place(old: str, new: str, part: str, sentence: str) -> None:
    text = DEMO.replace(old, new, 1)
    assert any(mistake.startswith(f"line {line_of(text, part)}: {sentence}") for mistake in mistakes(text)), (
        mistakes(text)
    )


def test_every_mistake_is_told_in_one_go() -> None:
    text = (
        DEMO.replace("GET /api/me", "FETCH /api/me")
        .replace("status: 409", "status: 99")
        .replace("app: Muster demo app", "")
    )
    assert len(mistakes(text)) == 3


def test_a_mistake_in_an_item_is_not_also_a_list_that_is_too_short() -> None:
    assert not any("at least" in mistake for mistake in mistakes(DEMO.replace("items: users", "item: users")))


def test_what_is_missing_is_named() -> None:
    assert mistakes(DEMO.replace("app: Muster demo app", "")) == ["app: is missing"]


def test_a_preset_that_is_no_yaml_is_told() -> None:
    assert mistakes("app: x\nversion: [")[0].startswith("line 2: ")


def test_every_mistake_is_named_though_one_section_has_several() -> None:
    wrong = "request: GET /api/users/{acount}/{nick}\n  gon: [404]\n"
    unknown, placeholders = mistakes(DEMO.replace("request: GET /api/users/{account}\n", wrong, 1))
    assert "unknown key “gon”" in unknown
    assert "{acount} is not known here (did you mean “account”?); {nick} is not known here" in placeholders
