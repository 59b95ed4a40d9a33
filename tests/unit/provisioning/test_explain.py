"""An explanation names every link of the chain from a claim to an operation."""

import json
from dataclasses import replace

from proxy.groups.rules import AppGroupName, GroupRules, Link, Role, RoleName, RoleRules
from proxy.identity import NOT_STATED
from proxy.provisioning.app_admin import Capabilities
from proxy.provisioning.explain import Explanation, explain, explain_plan
from proxy.provisioning.model import AccountId, AppGroup, Gone, GroupId, Member, Plan
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from tests.fakes.provisioning import JOIN, binding, identity, known, link_rules

RULES = CourierRules(
    link=link_rules(),
    groups=GroupRules(
        links=(Link(app_group=AppGroupName("team"), idp_groups=known("eng")),),
        roles=RoleRules(
            order=(
                Role(name=RoleName("reader")),
                Role(name=RoleName("writer"), app_groups=frozenset({AppGroupName("team")})),
            ),
            default=RoleName("reader"),
        ),
    ),
)
ABLE = Capabilities(can_set_role=True)


def text(explanation: Explanation) -> list[str]:
    return [str(line) for line in explanation.lines]


def test_a_newcomer_is_explained_from_claim_to_operation() -> None:
    found = explain(identity(groups=known("eng", "other")), RULES, capabilities=ABLE)
    assert found.is_admitted
    assert text(found) == [
        "says        okta: https://okta.example ada",
        "says        address: ada@example.com (verified)",
        "says        groups: eng, other",
        "should      groups: team",
        "should      role: writer",
        "because     team  [linked: okta group 'eng']",
        "because     other  [no_match: okta group 'other']",
        "because     writer  [granted_by_group: app group 'team']",
        "how         create ada  [planned: vouched for, and has no account]",
        "how         join team  [linked: okta group 'eng']",
        "how         set_role writer  [granted_by_group: app group 'team']",
    ]


def test_somebody_refused_is_told_why_and_nothing_is_planned() -> None:
    found = explain(identity(email="ada@elsewhere.example", is_email_verified=False), RULES)
    assert not found.is_admitted
    assert text(found)[1:] == [
        "says        address: ada@elsewhere.example (not verified)",
        "says        groups: not stated",
        "should      be kept out  [domain_not_allowed]",
        "how         nothing to do",
    ]


def test_no_groups_and_no_address_are_said_as_such() -> None:
    lines = text(explain(identity(email=None, groups=known()), RULES))
    assert "says        address: no address" in lines
    assert "says        groups: none (known)" in lines


def test_silence_changes_nothing() -> None:
    found = explain(identity(groups=NOT_STATED), RULES)
    assert "should      groups unchanged" in text(found)


def test_what_the_app_shows_is_compared_with() -> None:
    member = Member(
        id=AccountId("1"),
        login="ada",
        email=None,
        name=None,
        is_active=True,
        role=RoleName("reader"),
        groups=frozenset({GroupId("g")}),
    )
    team = AppGroup(id=GroupId("g"), name=AppGroupName("team"))
    found = explain(
        identity(groups=known()),
        RULES,
        capabilities=ABLE,
        member=member,
        app_groups=(team,),
        binding=binding(),
    )
    assert text(found)[-1] == "how         leave team  [no_match: no group of theirs leads here]"


def test_without_auto_join_no_account_is_planned() -> None:
    rules = replace(RULES, link=link_rules(join=replace(JOIN, is_auto_join=False)))
    assert text(explain(identity(groups=known("eng")), rules))[-1] == "how         nothing to do"


def test_equal_names_are_assumed_to_exist() -> None:
    rules = replace(RULES, groups=GroupRules(is_same_name=True))
    assert "how         join eng  [same_name: okta group 'eng']" in text(
        explain(identity(groups=known("eng")), rules)
    )


def test_the_document_is_json_with_the_same_words() -> None:
    document = json.loads(json.dumps(explain(identity(groups=known("eng")), RULES).document()))
    assert document["is_admitted"] is True
    assert set(document) == {"is_admitted", "says", "should", "because", "how"}
    assert document["how"][1] == {"what": "join team", "reason": "linked", "cause": "okta group 'eng'"}


def test_a_plan_of_the_couriers_is_explained_too() -> None:
    lines = explain_plan(Gone(reason=Reason.IDP_DENIED), Plan())
    assert [str(line) for line in lines] == [
        "should      be archived  [idp_denied]",
        "how         nothing to do",
    ]
