"""From a file and the environment to settings, or to every mistake in one go."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import SettingsError
from proxy.settings.load import from_mapping, load, parse
from tests.fakes.configurations import MINIMAL, minimal, mistakes_in, settings_of

BROKEN = """\
listen: 8080
public_url: http://redmine.example.com
upstreem: {url: http://127.0.0.1:3000}
upstream:
  url: http://127.0.0.1:3000
  conections: 3
idps:
  - id: corp
    issuer: https://idp.example.com
    client_id: muster
    client_secret: hunter2
  - id: other
    issuer: https://other.example.com
    client_id: muster
    client_auth: client_secret_basic
groups:
  links:
    - {app: Developers, idp: engineers, idps: [corp, nobody]}
roles: {default: king, order: [{name: peasant}]}
keys_file: nowhere/muster.keys
app: {preset: demo, url: http://127.0.0.1:3001}
"""


def test_every_mistake_in_one_go_in_the_order_of_the_file(tmp_path: Path) -> None:
    where = [mistake.split(": ")[:2] for mistake in mistakes_in(BROKEN, tmp_path)]
    assert where == [
        ["line 1", "listen"],
        ["line 2", "public_url"],
        ["line 3", "upstreem"],
        ["line 6", "upstream.conections"],
        ["line 11", "idps[0].client_secret"],
        ["line 15", "idps[1].client_auth"],
        ["line 18", "groups.links[0].idps[1]"],
        ["line 19", "roles.default"],
        ["line 20", "keys_file"],
    ]


def test_a_broken_idp_does_not_make_links_to_it_wrong(tmp_path: Path) -> None:
    text = (
        MINIMAL.replace("client_id: muster", "client_id: 3")
        + "groups: {links: [{app: A, idp: x, idps: [corp]}]}\n"
    )
    assert len(mistakes_in(text, tmp_path)) == 1


def test_a_broken_app_does_not_make_the_user_claim_required(tmp_path: Path) -> None:
    assert len(mistakes_in(MINIMAL.replace("preset: demo, ", ""), tmp_path)) == 1


def test_yamls_own_mistakes_stand_beside_ours(tmp_path: Path) -> None:
    found = mistakes_in(MINIMAL + "log: {level: loud}\nlog: {level: info}\n", tmp_path)
    assert len(found) == 2
    assert any("twice" in mistake for mistake in found)


def test_an_empty_file_lacks_what_is_required(tmp_path: Path) -> None:
    mistakes = mistakes_in("", tmp_path)
    assert "headers.user_claim: without `app`" in mistakes.pop(0)
    assert "upstream: which app" in mistakes.pop()
    assert mistakes == [f"{name}: this is required" for name in ("idps", "public_url")]


def test_a_file_is_read_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "muster.yaml"
    path.write_text(MINIMAL, encoding="utf-8")
    assert load(path, {}).store.sqlite == tmp_path / "muster.db"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "muster.yaml"
    path.write_text(MINIMAL, encoding="utf-8-sig")
    assert load(path, {}).public_url == "https://app.example.com"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        (b"a: \xff", "byte 3 is not UTF-8"),
        (b"#" * (4 * 1024 * 1024 + 1), "larger than 4 MiB"),
    ],
    ids=["missing", "not text", "huge"],
)
def test_a_file_that_cannot_be_read_is_a_sentence(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "muster.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=said) as caught:
        load(path, {})
    assert caught.value.source == str(path)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Is a directory"):
        load(tmp_path, {})


def test_plain_values_are_read_like_yaml(tmp_path: Path) -> None:
    by_hand = from_mapping(minimal(), folder=tmp_path, environ={})
    assert dict(by_hand) == dict(parse(MINIMAL, folder=tmp_path, environ={}))


def test_warnings_have_their_lines(tmp_path: Path) -> None:
    settings = parse(MINIMAL + "open_paths: [/*]\n", folder=tmp_path, environ={})
    assert [str(warning) for warning in settings.warnings] == [
        "line 7: open_paths[0]: the whole app is open without sign-in"
    ]


def test_a_warning_about_a_variable_names_it(tmp_path: Path) -> None:
    (warning,) = settings_of(tmp_path, {"MUSTER__OPS_LISTEN": "0.0.0.0:1"}).warnings
    assert warning.path == "MUSTER__OPS_LISTEN"


def test_no_secret_is_in_the_error(tmp_path: Path) -> None:
    assert "hunter2" not in "".join(mistakes_in(BROKEN, tmp_path))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
SECTIONS = "listen public_url upstream limits idps groups roles app headers joining open_paths guard".split()  # noqa: SIM905 -- shorter


@given(st.dictionaries(st.sampled_from(SECTIONS), VALUES, max_size=4))
def test_whatever_stands_in_a_section_is_settings_or_settings_error(tree: dict[str, object]) -> None:
    try:
        from_mapping({**minimal(), **tree}, folder=Path("/tmp"), environ={})
    except SettingsError:
        return


@given(st.text(max_size=200))
def test_any_text_at_all_is_settings_or_settings_error(text: str) -> None:
    with pytest.raises(SettingsError):
        parse(text, folder=Path("/tmp"), environ={})


def test_a_file_that_is_no_yaml_has_that_one_mistake(tmp_path: Path) -> None:
    (only,) = mistakes_in(MINIMAL + "\tlimits: {}\n", tmp_path)
    assert "this is not YAML" in only
