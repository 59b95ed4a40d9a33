"""What may stand where, asked of the schema."""

import pytest

from proxy.settings.shape import homes, names_at, nearest, schema, shapes_at, types_at


def test_the_names_of_a_section_are_its_settings() -> None:
    assert names_at(("store",)) == ("sqlite", "redis")
    assert names_at(("idps", 0, "claims")) == ("groups", "email", "email_verified", "name", "username")
    assert "public_url" in names_at(())


def test_a_setting_that_may_be_absent_is_looked_through() -> None:
    assert "preset" in names_at(("app",))


@pytest.mark.parametrize(
    "loc", [("nope",), ("store", 0), ("idps", "x"), ("listen", "x"), ("store", "sqlite", "x")]
)
def test_nothing_stands_where_no_setting_is(loc: tuple[str | int, ...]) -> None:
    assert shapes_at(loc) == ()
    assert names_at(loc) == ()


@pytest.mark.parametrize(
    ("loc", "types"),
    [
        (("insecure_http",), {"boolean"}),
        (("limits", "body_bytes"), {"string", "null"}),
        (("limits", "header_count"), {"integer"}),
        (("listen",), {"string", "array"}),
        (("idps",), {"array"}),
        (("upstream", "host"), {"string"}),
        (("app", "variables", "anything"), {"string"}),
    ],
)
def test_a_place_knows_its_types(loc: tuple[str | int, ...], types: set[str]) -> None:
    assert types_at(loc) == types


def test_a_lost_setting_has_homes() -> None:
    assert homes("client_auth") == ("idps",)
    assert homes("issuer") == ("idps", "bearer")
    assert set(homes("idle_timeout")) == {"upstream", "upstreams", "limits", "websockets"}
    assert homes("zzz") == ()


def test_the_nearest_word_is_near() -> None:
    assert nearest("upstreem", ("upstream", "limits")) == "upstream"
    assert nearest("zzz", ("upstream", "limits")) is None


def test_every_setting_is_described() -> None:
    sections = {"Settings": schema(), **schema()["$defs"]}
    for section, shape in sections.items():
        for name, inner in shape["properties"].items():
            meant = sections.get(inner.get("$ref", "").rpartition("/")[2], inner)
            assert inner.get("description") or meant.get("description"), f"{section}.{name}"
