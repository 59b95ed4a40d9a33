"""Whatever a request says, nobody is sent to an IdP that may not be used, and nobody is left without a way."""

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.identity import IdpId
from proxy.web.choosing import MOST_HINT, Ask, ChoosingRules, Go, NotAllowed, Wish, choose, safe_hint
from proxy.web.silent import MOST, next_value

IDS = [IdpId(name) for name in ("corp", "lab", "shop")]
DOMAINS = ["a.example", "b.example", "evil.example"]

some_idp = st.sampled_from([*IDS, IdpId("nobody"), None])
rules = st.builds(
    ChoosingRules,
    enforced=st.sampled_from([*IDS, None]),
    goes_to_last=st.booleans(),
    domains=st.dictionaries(st.sampled_from(DOMAINS), st.sampled_from(IDS)),
)
wishes = st.builds(
    Wish,
    asked=some_idp,
    address=st.one_of(
        st.none(), st.text(max_size=20), st.sampled_from([f"x@{domain}" for domain in DOMAINS])
    ),
    continued=some_idp,
    last=some_idp,
    must_ask=st.booleans(),
)


@given(rules=rules, wish=wishes)
def test_an_enforced_idp_is_the_only_one_that_anybody_is_ever_sent_to(
    rules: ChoosingRules, wish: Wish
) -> None:
    match choose(IDS, rules, wish):
        case Go(idp=idp):
            assert rules.allows(idp)
        case Ask(idps=idps):
            assert set(idps) == set(IDS)
            assert rules.enforced is None
        case NotAllowed(idp=idp):
            assert idp == wish.asked
            assert not rules.allows(idp)


@given(st.one_of(st.none(), st.text()))
@example("a" * MOST_HINT)
@example("a\r\nLocation: x")
def test_a_hint_never_carries_a_control_nor_grows(text: str | None) -> None:
    hint = safe_hint(text)
    assert hint is None or (hint.isprintable() and 0 < len(hint) <= MOST_HINT)


@given(st.one_of(st.none(), st.text()), st.text(alphabet=st.characters(codec="utf-8")))
def test_whatever_the_browser_kept_a_circle_ends(value: str | None, page: str) -> None:
    for _ in range(MOST + 1):
        value = next_value(value, page)
        if value is None:
            return
    raise AssertionError("it never ends")
