"""The settings as a tree to write about."""

import pytest

from proxy.settings.outline import COMPUTED, REQUIRED, Entry, entries, every_entry, kind_of


def entry(*loc: str) -> Entry:
    return next(one for one in every_entry() if one.loc == loc)


def test_every_setting_appears_once_with_a_description() -> None:
    places = [one.loc for one in every_entry()]
    assert len(places) == len(set(places)) > 90
    assert all(one.description for one in every_entry())


def test_defaults_are_as_written_required_or_computed() -> None:
    assert entry("refresh", "every").default == "1h"
    assert entry("public_url").default is REQUIRED
    assert entry("idps", "*", "client_auth").default is COMPUTED


def test_a_default_of_a_section_reaches_the_settings_inside_it() -> None:
    assert entry("guard", "members", "percent").default == 10
    assert entry("guard", "link", "percent").default == 30


def test_sections_lists_of_sections_and_absent_sections_are_told_apart() -> None:
    assert not entry("limits").is_optional_section
    assert entry("idps").is_list
    assert not entry("idps").is_optional_section
    assert entry("groups", "links").is_optional_section
    assert entry("app").is_optional_section
    assert entry("listen").section is None
    assert entry("idps", "*", "ask_again_archives").section is None, "one setting, though written with braces"


@pytest.mark.parametrize(
    ("loc", "kind"),
    [
        (("refresh", "every"), "duration"),
        (("limits", "body_bytes"), "size"),
        (("public_url",), "URL"),
        (("listen",), "host:port"),
        (("idps", "*", "client_secret"), "secret"),
        (("idps", "*", "ca_file"), "path"),
        (("insecure_http",), "`true`, `false`"),
        (("upstream", "host"), "`keep`, `upstream`"),
        (("limits", "header_count"), "number from 8 to 1000"),
        (("joining", "creations_per_hour"), "number from 1"),
        (("app", "variables"), "names and values"),
        (("open_paths",), "list"),
        (("groups", "links", "*", "idp"), "text or list"),
        (("idps", "*", "name"), "text"),
    ],
)
def test_a_kind_is_a_word_for_people(loc: tuple[str, ...], kind: str) -> None:
    assert entry(*loc).kind == kind


def test_every_required_setting_has_an_example() -> None:
    for one in every_entry():
        if one.default is REQUIRED and one.section is None:
            assert one.example is not None, one.loc


def test_the_top_level_comes_in_the_order_of_the_file() -> None:
    names = [one.name for one in entries()]
    assert names[:4] == ["listen", "public_url", "ops_listen", "admin_token"]


def test_a_shape_without_a_type_is_text() -> None:
    assert kind_of({}) == "text"
