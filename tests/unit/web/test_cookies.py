from proxy.web.cookies import MOST, read_cookies, sole_value


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


def test_a_flood_of_cookies_is_cut() -> None:
    assert len(read_cookies(["; ".join(f"c{number}=1" for number in range(5 * MOST))])) == MOST
