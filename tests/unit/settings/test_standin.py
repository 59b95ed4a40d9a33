"""A broken section is stood in for, so that the others are still looked at."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from proxy.settings.model import Settings
from proxy.settings.standin import broken_roots, is_inside, mended
from tests.fakes.configurations import IDP, minimal


def error(*loc: str | int, kind: str = "value_error") -> ErrorDetails:
    return {"type": kind, "loc": loc, "msg": "", "input": None}


def is_served(tree: dict[str, object]) -> bool:
    import json

    try:
        Settings.model_validate_json(json.dumps(tree))
    except ValidationError:
        return False
    return True


def test_an_unknown_setting_breaks_no_section() -> None:
    errors = [error("limits", "zzz", kind="extra_forbidden"), error("zzz", kind="extra_forbidden")]
    tree = minimal(limits={"zzz": 1, "header_count": 9}, zzz=3)
    assert broken_roots(errors) == frozenset()
    assert mended(tree, errors) == minimal(limits={"header_count": 9})
    assert tree["limits"]["zzz"] == 1, "the tree itself stays"


def test_a_broken_section_falls_back_to_its_defaults() -> None:
    assert mended(minimal(limits={"header_count": "x"}), [error("limits", "header_count")]) == minimal()


def test_what_has_no_default_gets_something_harmless() -> None:
    errors = [error("public_url"), error("upstream", "url"), error("idps"), error("app", "preset")]
    assert is_served(mended({"idps": 3}, errors))


def test_one_broken_idp_keeps_its_id_and_the_others_stay() -> None:
    other = {**IDP, "id": "other", "issuer": "https://other.example.com"}
    tree = mended(minimal(idps=[{"id": "corp"}, other]), [error("idps", 0, "issuer", kind="missing")])
    assert tree["idps"][0]["id"] == "corp"
    assert tree["idps"][1] == other
    assert is_served(tree)


def test_an_id_that_is_itself_broken_is_replaced() -> None:
    for broken in ({"id": "Corp Ltd"}, {"id": 3}, {}, "corp"):
        assert is_served(mended(minimal(idps=[broken]), [error("idps", 0)]))


def test_a_place_is_inside_its_root() -> None:
    roots = frozenset({("idps", 0), ("limits",)})
    assert is_inside(("idps", 0, "id"), roots)
    assert is_inside(("limits",), roots)
    assert not is_inside(("idps", 1, "id"), roots)
