"""Laws of claim reading: it never raises, names are clean, and silence is never taken for emptiness."""

import json
import unicodedata
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.groups.claim import ClaimRules, explain_groups, find_claim, read_groups
from proxy.identity import NOT_STATED

TEXT = st.text(st.characters(), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
KEYS = st.sampled_from(["groups", "name", "value", "a", "b", "a.b", "", "_claim_names", "hasgroups"]) | TEXT
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
CLAIMS = st.dictionaries(KEYS, JSON, max_size=5)
PATHS = st.sampled_from(["groups", "a", "a.b", "a.b.groups", "groups.name", "."]) | TEXT
RULES = st.builds(
    ClaimRules,
    paths=st.lists(PATHS, max_size=3).map(tuple),
    separator=st.none() | st.sampled_from([",", " ", ";"]),
    is_absent_empty=st.booleans(),
)


@given(CLAIMS, RULES)
@example({"groups": [[[[1]]]]}, ClaimRules())
@example({"groups": {"name": None}}, ClaimRules())
@example({"_claim_names": None}, ClaimRules())
def test_reading_never_raises_on_any_json(claims: dict[str, Any], rules: ClaimRules) -> None:
    explain_groups(claims, rules)


@given(CLAIMS, RULES)
def test_every_name_is_nfc_stripped_not_empty_and_encodable(
    claims: dict[str, Any], rules: ClaimRules
) -> None:
    groups = read_groups(claims, rules)
    for name in groups if groups is not NOT_STATED else ():
        assert name
        assert name == unicodedata.normalize("NFC", name).strip()
        name.encode()


@given(CLAIMS, RULES)
def test_known_groups_come_from_a_path_unless_absence_means_none(
    claims: dict[str, Any], rules: ClaimRules
) -> None:
    reading = explain_groups(claims, rules)
    if reading.groups is not NOT_STATED and reading.path is None:
        assert rules.is_absent_empty
        assert reading.groups == frozenset()


@given(CLAIMS, RULES)
def test_reading_is_blind_to_the_order_of_a_list(claims: dict[str, Any], rules: ClaimRules) -> None:
    turned = {key: value[::-1] if isinstance(value, list) else value for key, value in claims.items()}
    assert read_groups(turned, rules) == read_groups(claims, rules)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8)))
def test_any_list_of_strings_is_stated(names: list[str]) -> None:
    assert read_groups({"groups": names}, ClaimRules()) is not NOT_STATED


@given(CLAIMS, KEYS)
def test_a_literal_key_always_wins(claims: dict[str, Any], key: str) -> None:
    marked = {**claims, key: "mine"}
    assert find_claim(marked, key) == "mine"


@given(CLAIMS, RULES)
def test_claims_read_the_same_after_a_trip_through_json(claims: dict[str, Any], rules: ClaimRules) -> None:
    assert read_groups(json.loads(json.dumps(claims)), rules) == read_groups(claims, rules)
