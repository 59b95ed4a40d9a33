"""Configuration and rulings as the running rooms read them."""

from pathlib import Path

from proxy.app.effective import Effective
from proxy.groups.rules import AppGroupName, Link
from proxy.groups.stored import Origin, Ruled, StoredDenial, StoredLink, Switch
from proxy.identity import GroupName
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from tests.fakes.configurations import settings_of
from tests.fakes.people import identity

ORIGIN = Origin(by="cli", at=1.0)
RULED = Ruled(
    version=3,
    links=(
        StoredLink(
            link=Link(app_group=AppGroupName("Writers"), idp_groups=frozenset({GroupName("authors")})),
            origin=ORIGIN,
        ),
    ),
    denials=(StoredDenial(who="alice@example.com", origin=ORIGIN),),
    provisioning=Switch(is_on=False, origin=ORIGIN),
)


def test_without_rulings_the_configuration_holds(tmp_path: Path) -> None:
    held = Effective(settings_of(tmp_path, groups={"links": [{"app": "Developers", "idp": "engineers"}]}))
    assert [link.app_group for link in held.groups.links] == ["Developers"]
    assert held.admit(identity("alice")) is None
    assert held.is_provisioning_on


def test_what_is_adopted_holds_at_once_for_whoever_asks(tmp_path: Path) -> None:
    held = Effective(settings_of(tmp_path))
    admitting = held.admit
    held.adopt(RULED)
    assert [link.app_group for link in held.groups.links] == ["Writers"]
    assert admitting(identity("alice")) is Reason.DENY_LISTED
    assert not held.is_provisioning_on
    assert held.configured_groups.links == ()
    assert held.configured_join.deny == frozenset()
    assert held.is_configured_on


def test_what_is_taken_back_is_gone(tmp_path: Path) -> None:
    held = Effective(settings_of(tmp_path), RULED)
    held.adopt(Ruled(version=4))
    assert held.groups.links == ()
    assert held.admit(identity("alice")) is None
    assert held.is_provisioning_on


def test_a_couriers_other_rules_stay_as_they_are(tmp_path: Path) -> None:
    held = Effective(settings_of(tmp_path), RULED)
    before = CourierRules(creations_per_hour=7, bulk_slots=3)
    after = held.applied_to(before)
    assert (after.creations_per_hour, after.bulk_slots, after.link.logins) == (7, 3, before.link.logins)
    assert after.groups == held.groups
    assert after.link.join == held.join
    assert not after.is_provisioning_on
