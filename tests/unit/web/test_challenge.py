"""The challenge of RFC 9470."""

import pytest

from proxy.gate.decision import Request
from proxy.session.step_up import Demand
from proxy.web.challenge import challenge


def asked(authorization: bytes | None) -> Request:
    fields = [] if authorization is None else [(b"Authorization", authorization)]
    return Request(
        method=b"GET",
        target=b"/",
        path=b"/",
        headers=fields,
        names=[name.lower() for name, _ in fields],
        host=None,
        cookie=None,
        peer="",
        scheme="https",
    )


def test_it_says_what_is_missing() -> None:
    name, value = challenge(Demand(acr_values=("urn:a", "urn:b"), max_age=300), asked(None))
    assert name == "WWW-Authenticate"
    assert value == (
        'Muster realm="app", error="insufficient_user_authentication", '
        'error_description="A stronger or more recent sign-in is required", acr_values="urn:a urn:b", max_age="300"'
    )


@pytest.mark.parametrize(
    ("authorization", "scheme"),
    [
        (None, "Muster"),
        (b"Basic eDp5", "Muster"),
        (b"Bearer t", "Bearer"),
        (b"bearer t", "Bearer"),
        (b"Bearer", "Muster"),
    ],
)
def test_a_client_with_a_token_is_answered_in_its_own_scheme(
    authorization: bytes | None, scheme: str
) -> None:
    assert challenge(Demand(max_age=60), asked(authorization))[1].startswith(f"{scheme} realm=")
    assert challenge(Demand(max_age=60), None)[1].startswith("Muster ")
