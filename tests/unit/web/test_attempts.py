from dataclasses import replace

import pytest

from proxy.oidc.flow import Attempt
from proxy.session.codec import KeyRing, SealingKey
from proxy.session.cookie import ATTEMPT_SECONDS, MAX_ATTEMPTS
from proxy.web import attempts
from tests.fakes.people import CORP, ISSUER
from tests.fakes.web import Control

ATTEMPT = Attempt(
    idp=CORP, issuer=ISSUER, state="st", nonce="n", code_verifier="v", return_to="/work", started_at=1000.0
)


@pytest.fixture
async def control() -> Control:
    return Control()


def _value(control: Control, attempt: Attempt = ATTEMPT) -> str:
    line = attempts.kept(control.parts, attempt, ())[-1][1]
    return line.split(";")[0].partition("=")[2]


def test_an_attempt_comes_back_as_it_was(control: Control) -> None:
    assert attempts.opened(control.parts, "st", _value(control)) == ATTEMPT


def test_the_cookie_is_named_by_the_state_and_lives_ten_minutes(control: Control) -> None:
    [(field, line)] = attempts.kept(control.parts, ATTEMPT, ())
    assert field == "Set-Cookie"
    assert line.startswith(attempts.cookie_of(control.parts, "st") + "=")
    for part in (f"Max-Age={ATTEMPT_SECONDS}", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
        assert part in line


def test_neither_verifier_nor_nonce_can_be_read_in_it(control: Control) -> None:
    secret = replace(ATTEMPT, code_verifier="VERIFIER-SECRET")
    assert "VERIFIER" not in _value(control, secret)


def test_another_state_does_not_open_it(control: Control) -> None:
    assert attempts.opened(control.parts, "other", _value(control)) is None


def test_every_altered_character_closes_it(control: Control) -> None:
    value = _value(control)
    for at in range(0, len(value), 7):
        altered = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
        assert attempts.opened(control.parts, "st", altered) is None


@pytest.mark.parametrize("value", [None, "", "é", "=", "....", "A" * 5000])
def test_anything_else_is_no_attempt(control: Control, value: str | None) -> None:
    assert attempts.opened(control.parts, "st", value) is None


def test_a_key_that_left_the_ring_opens_nothing(control: Control) -> None:
    value = _value(control)
    others = replace(control.parts, keys=KeyRing(keys=(SealingKey(secret=b"z" * 32),)))
    assert attempts.opened(others, "st", value) is None


def test_a_browser_never_holds_more_than_ten(control: Control) -> None:
    held = [attempts.cookie_of(control.parts, str(number)) for number in range(MAX_ATTEMPTS)]
    lines = [line for _, line in attempts.kept(control.parts, ATTEMPT, held)]
    assert lines[0].startswith(held[0] + "=;")
    assert "Max-Age=0" in lines[0]
    assert len(lines) == 2


def test_the_largest_attempt_fits_a_cookie(control: Control) -> None:
    largest = replace(ATTEMPT, return_to="/" + "a" * 1023, issuer="https://idp.example.com/" + "t" * 200)
    assert len(attempts.kept(control.parts, largest, ())[-1][1]) < 4096


def test_a_sign_in_that_is_under_way_goes_on_after_the_keys_rotated(control: Control) -> None:
    old = control.parts.keys.keys
    value = _value(control)
    new = SealingKey(secret=b"n" * 32)
    control.parts.keys.adopt(KeyRing(keys=(new, *old)))
    assert attempts.opened(control.parts, "st", value) == ATTEMPT
    control.parts.keys.adopt(KeyRing(keys=(new,)))
    assert attempts.opened(control.parts, "st", value) is None
