"""Laws of merging: an older statement never replaces a newer one, silence never takes away, order does not matter."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.identity import NOT_STATED, Groups, IdpId
from proxy.provisioning.merge import Statements, merge_entries, merge_statement, says_the_same
from proxy.provisioning.model import Statement, Vouched
from tests.fakes.provisioning import GOOGLE, NOW, OKTA, known, removed, vouched

groups: st.SearchStrategy[Groups] = st.one_of(
    st.just(NOT_STATED), st.frozensets(st.sampled_from(["a", "b", "c"])).map(lambda some: known(*some))
)
times = st.integers(min_value=0, max_value=4).map(lambda seconds: NOW + seconds)
idps: st.SearchStrategy[IdpId] = st.sampled_from([OKTA, GOOGLE])


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    at, idp = draw(times), draw(idps)
    return vouched(groups=draw(groups), at=at, idp=idp) if draw(st.booleans()) else removed(at=at, idp=idp)


@st.composite
def streams(draw: st.DrawFn) -> list[Statement]:
    """Statements as a store numbers them: each with a sequence number of its own."""
    drawn = draw(st.lists(statements(), max_size=8))
    return [replace(one, seq=number) for number, one in enumerate(drawn, start=1)]


def merged(stream: list[Statement]) -> Statements:
    held: Statements = ()
    for one in stream:
        after = merge_statement(held, one)
        held = held if after is None else after
    return held


@given(streams())
def test_what_is_held_is_the_latest_of_each_source(stream: list[Statement]) -> None:
    held = merged(stream)
    assert {one.source for one in held} == {one.source for one in stream}
    for one in held:
        newest = max((other for other in stream if other.source == one.source), key=lambda s: (s.at, s.seq))
        assert (one.says, one.at, one.seq) == (newest.says, newest.at, newest.seq)


@given(streams(), st.randoms(use_true_random=False))
def test_who_says_what_last_does_not_depend_on_the_order_of_arrival(
    stream: list[Statement], draw: object
) -> None:
    shuffled = list(stream)
    draw.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random of Hypothesis
    assert [one.says for one in merged(shuffled)] == [one.says for one in merged(stream)]


@given(streams(), statements())
def test_an_older_statement_never_replaces_a_newer_one(stream: list[Statement], late: Statement) -> None:
    held = merged(stream)
    of_source = [one for one in held if one.source == late.source]
    late = replace(late, at=min((one.at for one in of_source), default=late.at) - 1, seq=99)
    after = merge_statement(held, late)
    assert after is None or not of_source


@given(streams(), idps)
@example([vouched(groups=known("a"), seq=1)], OKTA)
@example([vouched(groups=known("a"), seq=1), removed(at=NOW + 1, seq=2)], OKTA)
def test_silence_never_takes_away(stream: list[Statement], idp: IdpId) -> None:
    held = merged(stream)
    before = {one.source: one.known_groups for one in held}
    after = merge_statement(held, vouched(idp=idp, at=NOW + 10, seq=99)) or held
    assert {one.source: one.known_groups for one in after if one.source in before} == before


@given(streams(), st.frozensets(st.sampled_from(["a", "b"])))
def test_what_is_stated_is_known_and_no_longer_missed(
    stream: list[Statement], stated: frozenset[str]
) -> None:
    after = merge_statement(merged(stream), vouched(groups=known(*stated), at=NOW + 10, seq=99)) or ()
    (mine,) = [one for one in after if one.source == OKTA]
    assert (mine.known_groups, mine.not_stated_since) == (known(*stated), None)


@given(streams(), streams())
def test_entries_merge_the_same_both_ways_and_once_is_enough(
    one: list[Statement], other: list[Statement]
) -> None:
    other = [replace(statement, seq=statement.seq + 100) for statement in other]
    both = merge_entries(merged(one), merged(other))
    assert both == merge_entries(merged(other), merged(one))
    assert both == merge_entries(both, merged(one)) == merge_entries(both, both)


@given(streams(), statements())
def test_an_entry_that_says_the_same_lost_nothing_that_the_app_would_notice(
    stream: list[Statement], late: Statement
) -> None:
    held = merged(stream)
    after = merge_statement(held, replace(late, at=NOW + 10, seq=99)) or held
    if says_the_same(held, after):
        assert [(one.source, one.known_groups, isinstance(one.says, Vouched)) for one in held] == [
            (one.source, one.known_groups, isinstance(one.says, Vouched)) for one in after
        ]
    assert says_the_same(held, held)
