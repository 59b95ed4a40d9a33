import time

from hypothesis import given
from hypothesis import strategies as st

from proxy.gate.fields import Cookies
from proxy.web.cookies import read_cookies, sole_value


def test_cookies_are_read_in_order_over_several_fields() -> None:
    assert read_cookies(["a=1; b=2", "a=3"]) == {"a": ("1", "3"), "b": ("2",)}


def test_an_odd_cookie_of_the_app_hides_nothing() -> None:
    """http.cookies would stop at the first pair that it does not like."""
    cookies = read_cookies(['x={"a":[1,2]}; bad pair; =; y[0]=é; __Host-muster=ours'])
    assert sole_value(cookies, "__Host-muster") == "ours"


def test_a_value_may_hold_equal_signs() -> None:
    assert sole_value(read_cookies(["a=b=c=="]), "a") == "b=c=="


def test_two_different_values_are_none_and_the_same_twice_is_one() -> None:
    assert sole_value(read_cookies(["a=1; a=2"]), "a") is None
    assert sole_value(read_cookies(["a=1; a=1"]), "a") == "1"
    assert sole_value(read_cookies([]), "a") is None


def test_ours_is_found_behind_any_number_of_others() -> None:
    """As the edge finds it: or the app would be open to a person whose profile page says that nobody is signed in."""
    flood = "; ".join(f"c{number}=1" for number in range(1000))
    assert sole_value(read_cookies([f"{flood}; __Host-muster=ours"]), "__Host-muster") == "ours"


def test_thousands_of_one_name_are_read_as_fast_as_of_many() -> None:
    """Anybody may send them, and a page reads them several times: with the square of their number it took half a second."""
    before = time.process_time()
    for _ in range(40):
        assert len(read_cookies(["a=;" * 10_000])["a"]) == 10_000
    assert time.process_time() - before < 2.0


PAIRS = st.tuples(
    st.sampled_from(
        ["__Host-muster", " __Host-muster", "__Host-muster ", "\t__Host-muster\t", "other", "__host-muster"]
    ),
    st.sampled_from(["=", ""]),
    st.sampled_from(["a", " a", "b ", "", "\ta\t", "a=b"]),
)


@given(st.lists(PAIRS.map("".join)))
def test_our_cookie_is_read_as_the_edge_reads_it(pairs: list[str]) -> None:
    field = ";".join(pairs)
    mine = sole_value(read_cookies([field]), "__Host-muster")
    edges = Cookies(b"__Host-muster").ours([field.encode()])
    assert (mine or "").encode() == (edges or b"")
