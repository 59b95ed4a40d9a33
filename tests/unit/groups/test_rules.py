"""The rules' defaults are the safe ones."""

import dataclasses

import pytest

from proxy.groups.evaluate import admit
from proxy.groups.rules import AppGroupName, GroupRules, JoinRules, Link, LinkMode, Missing, RoleRules
from proxy.reasons import Reason
from tests.fakes.provisioning import identity


def test_rules_that_say_nothing_admit_nobody() -> None:
    assert admit(identity(), JoinRules()) is Reason.DOMAIN_NOT_ALLOWED


def test_rules_that_say_nothing_link_nothing_and_make_nothing() -> None:
    rules = GroupRules()
    assert (rules.links, rules.is_same_name, rules.is_case_sensitive) == ((), False, True)
    assert rules.missing is Missing.IGNORE


def test_roles_are_a_floor_by_default() -> None:
    assert not RoleRules().is_exact


def test_a_link_is_active_and_for_every_idp_by_default() -> None:
    link = Link(app_group=AppGroupName("team"), idp_groups=frozenset())
    assert (link.mode, link.idps) == (LinkMode.ACTIVE, frozenset())


def test_rules_do_not_change_once_made() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        GroupRules().is_enabled = False  # type: ignore[misc]  # the very mistake
