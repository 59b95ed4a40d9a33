"""Each row of the table in `groups/claim.py`, and each IdP's shape from its documentation."""

from typing import Any

import pytest

from proxy.groups.claim import MISSING, ClaimRules, explain_groups, find_claim, is_encodable, read_groups
from proxy.identity import NOT_STATED, GroupName

RULES = ClaimRules()
NONE_KNOWN: frozenset[GroupName] = frozenset()


def named(*names: str) -> frozenset[GroupName]:
    return frozenset(map(GroupName, names))


def at(*paths: str, separator: str | None = None, is_absent_empty: bool = False) -> ClaimRules:
    return ClaimRules(paths=paths, separator=separator, is_absent_empty=is_absent_empty)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("engineers", named("engineers")),
        (["engineers", "platform"], named("engineers", "platform")),
        (["engineers", "engineers"], named("engineers")),
        ([], NONE_KNOWN),
        ({}, NONE_KNOWN),
        ("", NONE_KNOWN),
        ("  ", NONE_KNOWN),
        ([""], NONE_KNOWN),
        (["engineers", " ", ""], named("engineers")),
        (["  engineers\t"], named("engineers")),
        (["e\u0301quipe"], named("\u00e9quipe")),
        (["a, b"], named("a, b")),
        (["/staff/engineers"], named("/staff/engineers")),
        ([{"name": "engineers"}, {"name": "platform"}], named("engineers", "platform")),
        ([{"displayName": "Engineers", "id": "1"}], named("Engineers")),
        ([{"display": "Engineers", "value": "e9e3"}], named("Engineers")),
        ([{"value": "e9e3"}], named("e9e3")),
        ({"admin": {"org1": "example.com"}, "user": {"org1": "example.com"}}, named("admin", "user")),
        ([{"admin": {"org1": "example.com"}}, {"user": {"org2": "b"}}], named("admin", "user")),
        ({"name": {"org1": "example.com"}}, named("name")),
        ({"engineers": True}, named("engineers")),
        ({"name": "engineers"}, named("engineers")),
        (["engineers", 7, None, True, ["x"], {"a": 1}], named("engineers")),
        (7, NOT_STATED),
        (True, NOT_STATED),
        (False, NOT_STATED),
        (1.5, NOT_STATED),
        ([7, 8], NOT_STATED),
        ([["engineers"]], NOT_STATED),
        ([None], NOT_STATED),
        ([{}], NOT_STATED),
        ([{"id": "e9e3"}], NOT_STATED),
        (["\ud800"], NOT_STATED),
        (["engineers", "\udfff"], named("engineers")),
        (None, NOT_STATED),
    ],
)
def test_every_shape_of_a_claim_has_one_of_three_values(value: Any, expected: Any) -> None:
    assert read_groups({"groups": value}, RULES) == expected


@pytest.mark.parametrize(
    ("text", "separator", "expected"),
    [
        ("a,b", ",", named("a", "b")),
        ("a, b ,", ",", named("a", "b")),
        ("a;b", ",", named("a;b")),
        ("a b", " ", named("a", "b")),
        ("", ",", NONE_KNOWN),
        (",", ",", NONE_KNOWN),
        ("a||b", "||", named("a", "b")),
    ],
)
def test_a_single_string_is_split_where_the_operator_says_how(
    text: str, separator: str, expected: Any
) -> None:
    assert read_groups({"groups": text}, at("groups", separator=separator)) == expected


def test_only_a_single_string_is_split_never_the_entries_of_a_list() -> None:
    assert read_groups({"groups": ["a,b"]}, at("groups", separator=",")) == named("a,b")


@pytest.mark.parametrize(
    ("claims", "path", "expected"),
    [
        # Auth0: a URL as the claim's name
        ({"https://example.com/roles": ["a"]}, "https://example.com/roles", named("a")),
        # Keycloak: nested, and a client id that holds dots
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", named("a")),
        ({"resource_access": {"my.app": {"roles": ["a"]}}}, "resource_access.my.app.roles", named("a")),
        ({"resource_access": {"my": {"app": {"roles": ["a"]}}}}, "resource_access.my.app.roles", named("a")),
        # Cognito and Zitadel: colons
        ({"cognito:groups": ["a"]}, "cognito:groups", named("a")),
        (
            {"urn:zitadel:iam:org:project:roles": {"a": {"1": "d"}}},
            "urn:zitadel:iam:org:project:roles",
            named("a"),
        ),
        # the literal key wins over the dotted path
        ({"a.b": ["literal"], "a": {"b": ["dotted"]}}, "a.b", named("literal")),
        # a URL key with something inside it
        ({"https://e.com/c": {"roles": ["a"]}}, "https://e.com/c.roles", named("a")),
        # nothing there
        ({"realm_access": {}}, "realm_access.roles", NOT_STATED),
        ({"realm_access": "x"}, "realm_access.roles", NOT_STATED),
        ({"realm_access": {"roles": None}}, "realm_access.roles", NOT_STATED),
        ({}, "groups", NOT_STATED),
    ],
)
def test_a_path_is_a_literal_key_first_and_dotted_second(claims: Any, path: str, expected: Any) -> None:
    assert read_groups(claims, at(path)) == expected


def test_the_longest_key_is_tried_first_and_a_dead_end_is_left_again() -> None:
    claims = {"a.b": {"x": 1}, "a": {"b": {"c": "here"}}}
    assert find_claim(claims, "a.b.c") == "here"
    assert find_claim(claims, "a.b.d") is MISSING
    assert find_claim({"a": {"b.c": "short"}, "a.b": {"c": "long"}}, "a.b.c") == "long"


@pytest.mark.parametrize("path", ["", ".", "..", "a.", ".a", "a..b"])
def test_an_odd_path_finds_nothing_and_raises_nothing(path: str) -> None:
    assert find_claim({"a": {"b": 1}}, path) is MISSING


def test_the_first_path_that_is_there_answers_and_is_named() -> None:
    reading = explain_groups({"roles": ["r"], "groups": ["g"]}, at("missing", "groups", "roles"))
    assert (reading.groups, reading.path, reading.note) == (named("g"), "groups", None)


def test_a_null_claim_is_as_an_absent_one() -> None:
    assert read_groups({"groups": None, "roles": ["r"]}, at("groups", "roles")) == named("r")


def test_a_second_path_never_passes_for_an_unreadable_first() -> None:
    reading = explain_groups({"groups": [7], "groups_direct": ["g"]}, at("groups", "groups_direct"))
    assert reading.groups is NOT_STATED
    assert reading.path == "groups"
    assert reading.note == "nothing readable in this claim"


def test_unreadable_entries_are_counted_in_the_note() -> None:
    reading = explain_groups({"groups": ["g", 7, 8]}, RULES)
    assert (reading.groups, reading.note) == (named("g"), "2 unreadable entries ignored")


@pytest.mark.parametrize(
    "claims",
    [
        {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph"}}},
        {"hasgroups": True},
        {"hasgroups": "true"},
    ],
)
@pytest.mark.parametrize("is_absent_empty", [False, True])
def test_overage_is_not_stated_even_where_absent_means_none(claims: Any, is_absent_empty: bool) -> None:
    reading = explain_groups(claims, at("groups", "roles", is_absent_empty=is_absent_empty))
    assert reading.groups is NOT_STATED
    assert reading.path == "groups"
    assert "overage" in (reading.note or "")


def test_overage_of_groups_says_nothing_about_another_claim() -> None:
    claims = {"_claim_names": {"groups": "src1"}, "hasgroups": True, "roles": ["r"]}
    assert read_groups(claims, at("roles")) == named("r")


def test_overage_covers_a_dotted_path_below_the_claim_that_is_elsewhere() -> None:
    claims = {"_claim_names": {"realm_access": "src1"}}
    assert explain_groups(claims, at("realm_access.roles", is_absent_empty=True)).groups is NOT_STATED


@pytest.mark.parametrize(
    "odd", [{"_claim_names": "groups"}, {"_claim_names": ["groups"]}, {"hasgroups": False}]
)
def test_what_only_looks_like_overage_is_plain_absence(odd: Any) -> None:
    assert read_groups(odd, at("groups", is_absent_empty=True)) == NONE_KNOWN


def test_a_list_that_is_there_counts_beside_hasgroups() -> None:
    assert read_groups({"groups": ["g"], "hasgroups": True}, RULES) == named("g")


def test_absent_is_not_stated_unless_this_idp_means_none_by_it() -> None:
    assert explain_groups({}, RULES).groups is NOT_STATED
    reading = explain_groups({}, at("groups", is_absent_empty=True))
    assert (reading.groups, reading.path) == (NONE_KNOWN, None)


def test_without_any_path_nothing_is_ever_stated() -> None:
    assert read_groups({"groups": ["g"]}, at(is_absent_empty=True)) is NOT_STATED


def test_lone_surrogates_are_not_encodable_and_pairs_are() -> None:
    assert not is_encodable("a\ud800")
    assert is_encodable("a\U0001f600é")


def test_overage_of_another_claim_leaves_an_absent_one_absent() -> None:
    claims = {"_claim_names": {"roles": "src1"}}
    assert read_groups(claims, at("groups", is_absent_empty=True)) == NONE_KNOWN


def test_overage_covers_a_path_far_below_the_claim_that_is_elsewhere() -> None:
    claims = {"_claim_names": {"realm_access": "src1"}}
    assert read_groups(claims, at("realm_access.app.roles", is_absent_empty=True)) is NOT_STATED


def test_without_a_separator_a_name_of_two_words_is_one_name() -> None:
    assert read_groups({"groups": "Domain Admins"}, RULES) == named("Domain Admins")


@pytest.mark.parametrize(
    ("claims", "is_absent_empty", "note"),
    [
        ({}, False, "absent"),
        ({}, True, "absent, which this IdP means as none"),
        ({"hasgroups": True}, False, "overage: the IdP left the list out"),
    ],
)
def test_the_note_says_how_absence_was_read(claims: Any, is_absent_empty: bool, note: str) -> None:
    assert explain_groups(claims, at("groups", is_absent_empty=is_absent_empty)).note == note
