"""The terms of a plan for one account."""

from dataclasses import replace

from proxy.provisioning.model import Member
from proxy.provisioning.plan import Terms
from proxy.provisioning.rules import CourierRules
from proxy.provisioning.terms import terms_for
from tests.fakes.app_admin import FULL, FakeApp
from tests.fakes.provisioning import binding, link_rules

RULES = CourierRules(link=link_rules(protected=frozenset({"carol"})))
APP = FakeApp()
ADA, CAROL = APP.add("ada"), APP.add("carol")


def terms(member: Member, own: Member | None = None, *, is_last_admin: bool = False) -> Terms:
    return terms_for(
        member,
        own=own,
        binding=binding(),
        capabilities=FULL,
        rules=RULES,
        is_last_admin=is_last_admin,
    )


def test_the_listed_and_the_account_behind_our_token_are_protected() -> None:
    assert not terms(ADA).is_protected
    assert terms(CAROL).is_protected
    assert terms(ADA, ADA).is_protected
    assert not terms(ADA, replace(CAROL, id=CAROL.id)).is_protected


def test_binding_capabilities_and_word_about_administrators_are_handed_on() -> None:
    made = terms(ADA, is_last_admin=True)
    assert (made.binding, made.capabilities, made.is_last_admin) == (binding(), FULL, True)
