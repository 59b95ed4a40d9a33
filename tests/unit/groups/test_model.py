"""The records of evaluation are values."""

from proxy.groups.model import Because, Entitlement, GroupsOf
from proxy.identity import NOT_STATED
from proxy.reasons import Reason
from tests.fakes.provisioning import OKTA


def test_entitlements_of_the_same_contents_are_equal_and_hashable() -> None:
    because = (Because(reason=Reason.LINKED, about="team", cause="okta group 'a'"),)
    one, other = (Entitlement(groups=None, owned=frozenset(), role=None, because=because) for _ in range(2))
    assert one == other
    assert len({one, other}) == 1


def test_what_is_not_stated_stays_not_stated() -> None:
    assert GroupsOf(idp=OKTA, groups=NOT_STATED).groups is NOT_STATED
