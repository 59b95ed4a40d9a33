"""An entry of `bearer`: whose tokens are taken, and what contradicts itself."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.configurations import mistakes_of, settings_of

AUDIENCES = ["https://app.example.com"]
OWN = {"id": "machines", "issuer": "https://machines.example.com", "audiences": AUDIENCES}


def introspection(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    (tmp_path / "s").write_text("secret\n")
    return {"url": "https://idp.example.com/i", "client_id": "c", "client_secret": {"file": "s"}, **changes}


def test_nothing_is_taken_unless_configured(tmp_path: Path) -> None:
    assert settings_of(tmp_path).bearer == ()


def test_an_idps_tokens_need_an_audience_and_no_more(tmp_path: Path) -> None:
    (bearer,) = settings_of(tmp_path, bearer=[{"idp": "corp", "audiences": AUDIENCES}]).bearer
    assert (bearer.name, bearer.audiences, bearer.plain_jwt, bearer.introspection) == (
        "corp",
        tuple(AUDIENCES),
        False,
        None,
    )


def test_another_issuer_has_its_own_name(tmp_path: Path) -> None:
    (bearer,) = settings_of(tmp_path, bearer=[OWN]).bearer
    assert (bearer.name, bearer.issuer) == ("machines", "https://machines.example.com")


@pytest.mark.parametrize("audiences", [[], None])
def test_without_an_audience_every_token_of_the_issuer_would_pass(tmp_path: Path, audiences: Any) -> None:
    entry = {"idp": "corp", **({} if audiences is None else {"audiences": audiences})}
    assert list(mistakes_of(tmp_path, bearer=[entry])) == ["bearer[0].audiences"]


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1", ""])
def test_only_asymmetric_algorithms_can_be_named(tmp_path: Path, algorithm: str) -> None:
    wrong = mistakes_of(tmp_path, bearer=[{**OWN, "algorithms": [algorithm]}])
    assert list(wrong) == ["bearer[0].algorithms[0]"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "x"),
        ("issuer", "https://x.example.com"),
        ("trust_email", True),
        ("timeout", "3s"),
        ("claims", {}),
    ],
)
def test_what_an_idp_has_is_not_said_twice(tmp_path: Path, name: str, value: Any) -> None:
    wrong = mistakes_of(tmp_path, bearer=[{"idp": "corp", "audiences": AUDIENCES, name: value}])
    assert list(wrong) == [f"bearer[0].{name}"]


@pytest.mark.parametrize("missing", ["id", "issuer"])
def test_an_issuer_of_its_own_has_a_name_and_an_address(tmp_path: Path, missing: str) -> None:
    entry = {name: value for name, value in OWN.items() if name != missing}
    assert list(mistakes_of(tmp_path, bearer=[entry])) == [f"bearer[0].{missing}"]


def test_an_answer_is_kept_for_five_minutes_at_most(tmp_path: Path) -> None:
    kept = {"5m": [], "301s": ["bearer[0].introspection"]}
    for duration, wrong in kept.items():
        entry = {**OWN, "introspection": introspection(tmp_path, kept=duration)}
        assert list(mistakes_of(tmp_path, bearer=[entry])) == wrong
