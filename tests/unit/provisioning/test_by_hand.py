"""An operator's word as statements: it stands against what was said before, and the next sign-in undoes it."""

from dataclasses import replace

from proxy.groups.rules import GroupRules
from proxy.provisioning.by_hand import is_by_hand, removals, restorations, source_of
from proxy.provisioning.merge import merge_statement, says_the_same
from proxy.provisioning.model import Gone, Statement, Vouched, Wanted
from proxy.provisioning.should import should_be
from proxy.reasons import Reason
from tests.fakes.provisioning import GOOGLE, JOIN, NOW, known, removed, vouched


def merged(held: tuple[Statement, ...], *new: Statement) -> tuple[Statement, ...]:
    """What the store makes of it, one after the other."""
    for one in new:
        held = merge_statement(held, replace(one, seq=max(said.seq for said in held) + 1)) or held
    return held


def test_every_source_that_vouches_is_overridden_and_keeps_its_groups() -> None:
    said = (vouched(groups=known("a")), vouched(groups=known("b"), idp=GOOGLE))
    stated = removals(said, {})
    assert all(is_by_hand(one) for one in stated)
    after = merged(said, *stated)
    assert should_be(after, JOIN, GroupRules(), frozenset()) == Gone(reason=Reason.ENDED_BY_OPERATOR)
    assert {one.source: one.known_groups for one in after} == {one.source: one.known_groups for one in said}


def test_an_idps_own_no_is_left_as_it_is() -> None:
    assert removals((removed(),), {}) == ()
    assert not is_by_hand(removed())
    assert not is_by_hand(vouched())


def test_what_the_idp_said_before_does_not_undo_it() -> None:
    said = (vouched(at=NOW),)
    (stated,) = removals(said, {source_of(said[0]): NOW + 60})
    assert stated.at == NOW + 60
    held = merged(said, stated)
    late = replace(vouched(groups=known("x"), at=NOW + 30), seq=99)
    assert merge_statement(held, late) is None


def test_the_next_sign_in_undoes_it_even_where_the_idps_clock_is_behind() -> None:
    said = (vouched(at=NOW - 500),)
    (stated,) = removals(said, {source_of(said[0]): NOW - 440})
    held = merged(said, stated, vouched(at=NOW - 439))
    assert isinstance(should_be(held, JOIN, GroupRules(), frozenset()), Wanted)


def test_without_a_session_only_the_order_of_writing_decides() -> None:
    said = (vouched(at=NOW),)
    (stated,) = removals(said, {})
    assert stated.at == NOW
    held = merged(said, stated)
    assert is_by_hand(held[0])
    assert isinstance(merged(held, vouched(at=NOW + 1))[0].says, Vouched)


def test_a_clock_that_runs_back_never_dates_it_before_what_was_said() -> None:
    (stated,) = removals((vouched(at=NOW),), {source_of(vouched()): NOW - 100})
    assert stated.at == NOW


def test_taking_it_back_puts_the_same_word_in_its_place() -> None:
    said = (vouched(groups=known("a")), vouched(idp=GOOGLE))
    held = merged(said, *removals(said, {source_of(said[0]): NOW + 60}))
    back = merged(held, *restorations(held, said))
    assert says_the_same(back, said)


def test_it_is_not_taken_back_over_an_idps_own_no_or_a_new_sign_in() -> None:
    said = (vouched(), vouched(idp=GOOGLE))
    held = merged(said, *removals(said, {}), removed(at=NOW + 5), vouched(idp=GOOGLE, at=NOW + 5))
    assert restorations(held, said) == ()


def test_what_was_no_vouching_is_never_put_back() -> None:
    held = merged((vouched(),), *removals((vouched(),), {}))
    assert restorations(held, (removed(),)) == ()
    assert restorations(held, ()) == ()
