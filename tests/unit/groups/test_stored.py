"""Configuration and stored rulings: the configuration wins, denials add up, and off is off."""

import pytest

from proxy.groups.rules import AppGroupName, GroupRules, JoinRules, Link, LinkMode
from proxy.groups.stored import (
    Origin,
    Ruled,
    SourcedLink,
    StoredDenial,
    StoredLink,
    Switch,
    all_links,
    configured_link,
    effective_groups,
    effective_join,
    effective_switch,
    stored_link,
)
from proxy.identity import GroupName

ORIGIN = Origin(by="cli", at=1.0)


def link(group: str, *names: str, mode: LinkMode = LinkMode.ACTIVE) -> Link:
    return Link(app_group=AppGroupName(group), idp_groups=frozenset(map(GroupName, names)), mode=mode)


def ruled(*links: Link, denied: tuple[str, ...] = (), is_on: bool | None = None) -> Ruled:
    return Ruled(
        version=1,
        links=tuple(StoredLink(link=one, origin=ORIGIN) for one in links),
        denials=tuple(StoredDenial(who=who, origin=ORIGIN) for who in denied),
        provisioning=None if is_on is None else Switch(is_on=is_on, origin=ORIGIN),
    )


CONFIGURED = GroupRules(links=(link("Developers", "engineers"), link("Café", "guests")))


def test_without_rulings_the_configuration_holds_as_it_is() -> None:
    join = JoinRules(deny=frozenset({"eve@example.com"}))
    assert effective_groups(CONFIGURED, Ruled()) is CONFIGURED
    assert effective_join(join, Ruled()) is join


def test_a_stored_link_is_added() -> None:
    held = effective_groups(CONFIGURED, ruled(link("Writers", "authors")))
    assert held.links == (*CONFIGURED.links, link("Writers", "authors"))


@pytest.mark.parametrize("group", ["Developers", "Cafe\u0301"])
def test_the_configuration_wins_over_a_stored_link_of_the_same_group(group: str) -> None:
    assert effective_groups(CONFIGURED, ruled(link(group, "others"))) == CONFIGURED


def test_nothing_else_of_the_rules_is_touched() -> None:
    rules = GroupRules(is_same_name=True, is_case_sensitive=False, exclude=("x*",))
    held = effective_groups(rules, ruled(link("Writers", "authors")))
    assert (held.is_same_name, held.is_case_sensitive, held.exclude) == (True, False, ("x*",))


def test_a_listing_says_where_each_link_comes_from_and_what_is_overruled() -> None:
    listed = all_links(CONFIGURED, ruled(link("Writers", "authors"), link("Developers", "others")))
    assert listed == (
        SourcedLink(link=link("Café", "guests")),
        SourcedLink(link=link("Developers", "engineers")),
        SourcedLink(link=link("Developers", "others"), origin=ORIGIN, is_overruled=True),
        SourcedLink(link=link("Writers", "authors"), origin=ORIGIN),
    )


def test_links_are_found_by_group_in_any_normal_form_but_not_in_another_case() -> None:
    held = ruled(link("Café", "authors"))
    assert configured_link(CONFIGURED, AppGroupName("Cafe\u0301")) == link("Café", "guests")
    assert configured_link(CONFIGURED, AppGroupName("developers")) is None
    assert stored_link(held, AppGroupName("Cafe\u0301")) == StoredLink(
        link=link("Café", "authors"), origin=ORIGIN
    )
    assert stored_link(held, AppGroupName("Developers")) is None


def test_denials_add_up() -> None:
    join = JoinRules(domains=frozenset({"example.com"}), deny=frozenset({"eve@example.com"}))
    held = effective_join(join, ruled(denied=("bob@example.com", "https://idp.example bob")))
    assert held.deny == {"eve@example.com", "bob@example.com", "https://idp.example bob"}
    assert held.domains == join.domains


@pytest.mark.parametrize(
    ("configured", "stored", "is_on"),
    [
        (True, None, True),
        (True, True, True),
        (True, False, False),
        (False, None, False),
        (False, True, False),
        (False, False, False),
    ],
)
def test_provisioning_is_off_where_either_says_so(configured: bool, stored: bool | None, is_on: bool) -> None:
    assert effective_switch(configured, ruled(is_on=stored)) is is_on
