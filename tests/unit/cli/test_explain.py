"""`muster explain`: claims in, operations with reasons out."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.main import main

ALICE = {
    "sub": "a1",
    "email": "alice@example.com",
    "email_verified": True,
    "preferred_username": "alice",
    "name": "Alice",
    "groups": ["engineers", "chess"],
    "iat": 1_700_000_000,
}


class Explain:
    """The command over one configuration."""

    def __init__(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = config
        self._capsys = capsys

    def __call__(self, claims: Any, *options: str) -> tuple[int, str, str]:
        path = self.config.parent / "claims.json"
        path.write_text(claims if isinstance(claims, str) else json.dumps(claims))
        code = main(["explain", "-c", str(self.config), "--claims", str(path), *options])
        out, err = self._capsys.readouterr()
        return code, out, err

    def lines(self, claims: Any, *options: str) -> str:
        code, out, err = self(claims, *options)
        assert (code, err) == (0, "")
        return out


@pytest.fixture
def explain(config: Path, capsys: pytest.CaptureFixture[str]) -> Explain:
    return Explain(config, capsys)


def test_a_newcomer_is_created_and_joined_with_the_reason(explain: Explain) -> None:
    text = explain.lines(ALICE)
    assert "groups at `groups`" in text
    assert "how         create alice" in text
    assert "how         join Developers  [linked: corp group 'engineers']" in text
    assert "chess  [no_match" in text


def test_somebody_of_another_domain_is_kept_out_with_the_reason(explain: Explain) -> None:
    text = explain.lines({**ALICE, "email": "eve@evil-example.com"})
    assert "be kept out  [domain_not_allowed]" in text
    assert "create" not in text


def test_an_unverified_address_too(explain: Explain) -> None:
    assert "email_not_verified" in explain.lines({**ALICE, "email_verified": False})


def test_absent_groups_are_not_stated_and_join_nobody(explain: Explain) -> None:
    claims = {name: value for name, value in ALICE.items() if name != "groups"}
    text = explain.lines(claims)
    assert "groups at none of groups" in text
    assert "groups: not stated" in text
    assert "join" not in text


def test_groups_that_the_app_lacks_are_named(explain: Explain) -> None:
    text = explain.lines(ALICE, "--app-groups", "Support, ")
    assert "app_group_missing" in text
    assert "join" not in text


def test_json_says_the_same(explain: Explain) -> None:
    document = json.loads(explain.lines(ALICE, "--json"))
    assert document["reads"] == {"groups": ["chess", "engineers"], "path": "groups", "note": None}
    assert document["is_admitted"] is True
    assert [step["what"] for step in document["how"]] == ["create alice", "join Developers"]


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "JSON object"),
        ({"email": "x"}, "`sub` is missing"),
        ({"sub": 3}, "`sub` is missing"),
    ],
    ids=["broken", "deep", "list", "no sub", "sub is a number"],
)
def test_claims_that_cannot_be_read_are_a_sentence(claims: Any, said: str, explain: Explain) -> None:
    code, out, err = explain(claims)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_missing_file_is_a_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-c", str(config), "--claims", "/nowhere/claims.json"]) == 2
    assert "No such file" in capsys.readouterr().err


def with_second(config: Path) -> None:
    second = (
        "  - {id: other, issuer: https://other.example.com, client_id: muster, claims: {groups: roles}}\n"
    )
    config.write_text(config.read_text().replace("joining:", f"{second}joining:"))


def test_with_several_idps_one_is_chosen(explain: Explain) -> None:
    with_second(explain.config)
    code, _, err = explain(ALICE)
    assert code == 2
    assert "say which with --idp (there are corp, other)" in err
    assert "groups at `roles`" in explain.lines({**ALICE, "roles": ["platform"]}, "--idp", "other")


def test_an_unknown_idp_is_a_sentence(explain: Explain) -> None:
    code, _, err = explain(ALICE, "--idp", "nobody")
    assert code == 2
    assert "there is no IdP with the id 'nobody' (there are corp)" in err


def test_it_works_without_an_app(explain: Explain) -> None:
    lines = [
        line for line in explain.config.read_text().splitlines() if not line.startswith(("app:", "groups:"))
    ]
    explain.config.write_text("\n".join([*lines, "headers: {user_claim: email}"]))
    assert "says" in explain.lines(ALICE)


def test_explaining_makes_no_file(explain: Explain) -> None:
    explain.lines(ALICE)
    assert not (explain.config.parent / "muster.db").exists()
