import hashlib
import random
import string
from dataclasses import replace

import pytest

from proxy.oidc.flow import MOST_RETURN_TO, Attempt, is_too_long
from proxy.session.codec import KeyRing, SealingKey
from proxy.session.cookie import ATTEMPT_SECONDS, MAX_ATTEMPTS, MOST_ATTEMPT_BYTES
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
    line = attempts.kept(control.parts, attempt, {})[-1][1]
    return line.split(";")[0].partition("=")[2]


def test_an_attempt_comes_back_as_it_was(control: Control) -> None:
    assert attempts.opened(control.parts, "st", _value(control)) == ATTEMPT


def test_the_cookie_is_named_by_the_state_and_lives_ten_minutes(control: Control) -> None:
    [(field, line)] = attempts.kept(control.parts, ATTEMPT, {})
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
    lines = [line for _, line in attempts.kept(control.parts, ATTEMPT, dict.fromkeys(held, ("v",)))]
    assert lines[0].startswith(held[0] + "=;")
    assert "Max-Age=0" in lines[0]
    assert len(lines) == 2


def test_the_largest_attempt_fits_a_cookie(control: Control) -> None:
    letters = "".join(random.Random(7).choices(string.printable[:62], k=MOST_RETURN_TO - 1))
    longest = next(f"/{letters[:n]}" for n in range(4095, 0, -1) if not is_too_long(f"/{letters[:n]}"))
    largest = replace(
        ATTEMPT,
        return_to=longest,
        issuer="https://idp.example.com/" + letters[7:107],
        state=letters[9:52],
        nonce=letters[99:142],
        code_verifier=letters[199:242],
    )
    assert len(attempts.kept(control.parts, largest, {})[-1][1]) < 4096


def test_ten_ordinary_attempts_fit_beside_one_another(control: Control) -> None:
    jar: dict[str, tuple[str, ...]] = {}
    for number in range(MAX_ATTEMPTS):
        digest = hashlib.sha512(str(number).encode()).hexdigest()
        attempt = replace(
            ATTEMPT,
            state=digest[:43],
            nonce=digest[43:86],
            code_verifier=digest[80:123],
            return_to=f"/boards/{number}?view=all",
            issuer="https://login.example.com/realms/main",
        )
        [(_, line)] = attempts.kept(control.parts, attempt, jar)
        name, _, value = line.split(";")[0].partition("=")
        jar[name] = (value,)


def test_large_attempts_push_the_oldest_out_before_their_field_grows_too_long(control: Control) -> None:
    rng = random.Random(7)
    jar: dict[str, tuple[str, ...]] = {}
    for number in range(40):
        query = "".join(rng.choices(string.printable[:62], k=900))
        attempt = replace(ATTEMPT, state=f"state-{number}", return_to=f"/search?q={query}")
        for _, line in attempts.kept(control.parts, attempt, jar):
            name, _, value = line.split(";")[0].partition("=")
            jar.pop(name, None)
            if value:
                jar[name] = (value,)
        assert len("; ".join(f"{name}={values[0]}" for name, values in jar.items())) <= MOST_ATTEMPT_BYTES
    assert len(jar) > 2
    assert attempts.cookie_of(control.parts, "state-39") in jar


def test_a_sign_in_that_is_under_way_goes_on_after_the_keys_rotated(control: Control) -> None:
    old = control.parts.keys.keys
    value = _value(control)
    new = SealingKey(secret=b"n" * 32)
    control.parts.keys.adopt(KeyRing(keys=(new, *old)))
    assert attempts.opened(control.parts, "st", value) == ATTEMPT
    control.parts.keys.adopt(KeyRing(keys=(new,)))
    assert attempts.opened(control.parts, "st", value) is None
