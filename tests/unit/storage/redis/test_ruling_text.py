"""Rulings as text: what is read is what was written."""

import json

import pytest

from proxy.groups.rules import AppGroupName, Link, LinkMode
from proxy.groups.stored import Origin, StoredDenial, StoredLink, Switch
from proxy.identity import GroupName, IdpId
from proxy.storage.redis.ruling_text import (
    denial_from_text,
    link_from_text,
    link_to_text,
    origin_to_json,
    switch_from_text,
)

ORIGIN = Origin(by="ops: ada", at=1_760_000_000.25)


@pytest.mark.parametrize("mode", [*LinkMode])
def test_a_link_reads_back_as_it_was(mode: LinkMode) -> None:
    link = Link(
        app_group=AppGroupName("Développeurs"),
        idp_groups=frozenset(map(GroupName, ("a, b", "ops", "Ärzte"))),
        mode=mode,
        idps=frozenset({IdpId("corp")}),
    )
    assert link_from_text("Développeurs", link_to_text(link, ORIGIN)) == StoredLink(link=link, origin=ORIGIN)


def test_a_link_is_named_as_its_app_group_is_normally_spelled() -> None:
    text = link_to_text(Link(app_group=AppGroupName("Café"), idp_groups=frozenset()), ORIGIN)
    assert link_from_text("Cafe\u0301", text).link.app_group == "Café"


def test_a_denial_is_who_and_its_origin() -> None:
    text = json.dumps(origin_to_json(ORIGIN))
    assert denial_from_text("ada@example.com", text) == StoredDenial(who="ada@example.com", origin=ORIGIN)


@pytest.mark.parametrize("is_on", [True, False])
def test_a_switch_reads_back_and_one_that_nobody_touched_is_none(is_on: bool) -> None:
    text = json.dumps({"is_on": is_on, **origin_to_json(ORIGIN)})
    assert switch_from_text(text.encode()) == Switch(is_on=is_on, origin=ORIGIN)
    assert switch_from_text(None) is None
