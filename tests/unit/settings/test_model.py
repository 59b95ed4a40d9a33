"""`Settings` as a whole: its defaults are the documented ones, and it can be asked for lines afterwards."""

from pathlib import Path

import pytest

from proxy.settings.load import parse
from tests.fakes.configurations import MINIMAL, mistakes_of, settings_of


def test_the_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert [str(address) for address in settings.listen] == ["127.0.0.1:8080"]
    assert settings.ops_listen is None
    assert not settings.insecure_http
    assert settings.store.sqlite == tmp_path / "muster.db"
    assert settings.keys_file == tmp_path / "muster.keys"
    refresh = settings.refresh
    assert (refresh.every, refresh.at_least, refresh.grace, refresh.cool_off) == (3600, 300, 3600, 30)
    assert (settings.session.idle, settings.session.absolute) == (7 * 86400, 30 * 86400)
    assert settings.files == (tmp_path / "muster.db", tmp_path / "muster.keys")
    assert settings.warnings == ()


def test_at_least_one_idp(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, idps=[]) == {"idps": "name at least one"}
    assert mistakes_of(tmp_path, idps=None) == {"idps": "this is required"}


def test_a_preset_is_a_name_or_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("")
    for written, kept in (
        ("redmine", "redmine"),
        ("./mine.yaml", str(tmp_path / "mine.yaml")),
        ("mine.yaml", str(tmp_path / "mine.yaml")),
    ):
        settings = settings_of(tmp_path, app={"preset": written, "url": "http://127.0.0.1:1"})
        assert settings.app is not None
        assert settings.app.preset == kept


def test_a_preset_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, app={"preset": "./gone.yaml", "url": "http://127.0.0.1:1"})
    assert found == {"app.preset": f"there is no preset file {tmp_path}/gone.yaml"}


def test_one_protected_login_may_stand_without_a_list(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, app={"preset": "demo", "url": "http://127.0.0.1:1", "protected": "admin"}
    )
    assert settings.app is not None
    assert settings.app.protected == ("admin",)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("app.url", 6),
        ("app.credentials.token", 6),
        ("idps[0].claims.groups", 4),
        ("limits.idle_timeout", None),
        ("", None),
    ],
)
def test_a_later_mistake_finds_the_line_of_the_nearest_setting(
    path: str, line: int | None, tmp_path: Path
) -> None:
    assert parse(MINIMAL, folder=tmp_path, environ={}).line_of(path) == line
