"""How well and how lately somebody proved who they are; rows of the table in the module."""

from math import inf, nan

import pytest

from proxy.session.model import Authentication
from proxy.session.step_up import LEEWAY, Demand, continued

NOW = 10_000.0


def proved(acr: str | None = None, age: float | None = None) -> Authentication:
    return Authentication(acr=acr, at=None if age is None else NOW - age)


@pytest.mark.parametrize(
    ("authentication", "is_met"),
    [
        (proved("strong"), True),
        (proved("stronger"), True),
        (proved("weak"), False),
        (proved("STRONG"), False),
        (proved("strong stronger"), False),
        (proved(""), False),
        (proved(None), False),
    ],
)
def test_one_of_the_values_must_be_stated(authentication: Authentication, is_met: bool) -> None:
    assert Demand(acr_values=("strong", "stronger")).is_met(authentication, NOW) is is_met


@pytest.mark.parametrize(
    ("age", "is_met"),
    [
        (0.0, True),
        (300.0, True),
        (300.0 + LEEWAY, True),
        (300.1 + LEEWAY, False),
        (-LEEWAY, True),
        (-LEEWAY - 0.1, False),
        (None, False),
        (inf, False),
        (-inf, False),
        (nan, False),
    ],
)
def test_the_time_must_be_stated_and_lie_within_the_age(age: float | None, is_met: bool) -> None:
    assert Demand(max_age=300).is_met(proved(age=age), NOW) is is_met


def test_both_must_hold() -> None:
    demand = Demand(acr_values=("strong",), max_age=300)
    assert demand.is_met(proved("strong", 10), NOW)
    assert not demand.is_met(proved("strong", 1000), NOW)
    assert not demand.is_met(proved("weak", 10), NOW)


def test_what_was_met_stays_met_until_the_age_is_over_and_then_never_is() -> None:
    demand, authentication = Demand(max_age=300), proved(age=0)
    ages = [demand.is_met(authentication, NOW + later) for later in range(0, 1000, 10)]
    assert ages == sorted(ages, reverse=True)


def test_the_parameters_are_those_of_an_authorization_request() -> None:
    assert Demand(acr_values=("a", "b"), max_age=0).parameters() == {"acr_values": "a b", "max_age": "0"}
    assert Demand(max_age=900).parameters() == {"max_age": "900"}
    assert Demand().parameters() == {}


def test_a_silent_sign_in_leaves_what_it_does_not_state() -> None:
    earlier = Authentication(acr="strong", amr=("otp",), at=1000.0)
    assert continued(earlier, Authentication()) == earlier
    assert continued(earlier, Authentication(at=1000.0)) == earlier
    assert continued(earlier, Authentication(acr="weak")) == Authentication(
        acr="weak", amr=("otp",), at=1000.0
    )


def test_a_silent_sign_in_that_states_another_time_is_a_new_authentication() -> None:
    """Somebody signed in at the IdP anew in the meantime, perhaps in a weaker way."""
    earlier = Authentication(acr="strong", amr=("otp",), at=1000.0)
    assert continued(earlier, Authentication(at=2000.0)) == Authentication(at=2000.0)
    assert continued(Authentication(acr="strong"), Authentication(at=2000.0)) == Authentication(at=2000.0)
