import pytest

from proxy.reasons import Reason
from proxy.web.wording import WORDINGS, wording_of

SHOWN_BY_THE_GATE_AND_EDGE = [
    Reason.BEING_SET_UP,
    Reason.STORE_UNAVAILABLE,
    Reason.NO_UPSTREAM,
    Reason.UPSTREAM_UNAVAILABLE,
    Reason.UPSTREAM_TIMEOUT,
    Reason.BAD_UPSTREAM_ANSWER,
    Reason.BAD_REQUEST,
    Reason.AMBIGUOUS_PATH,
    Reason.WRONG_HOST,
    Reason.REQUEST_LOOP,
    Reason.GROUPS_TOO_LARGE,
    Reason.LOGIN_NOT_SENDABLE,
    Reason.SHUTTING_DOWN,
    Reason.INTERNAL_ERROR,
    Reason.GRACE_OVER,
    Reason.IDP_TROUBLE,
]


@pytest.mark.parametrize("reason", SHOWN_BY_THE_GATE_AND_EDGE)
def test_what_is_shown_often_has_words_of_its_own(reason: Reason) -> None:
    assert reason in WORDINGS


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("status", [400, 403, 404, 408, 413, 414, 431, 501, 502, 503])
def test_every_reason_says_what_why_and_what_to_do(reason: Reason, status: int) -> None:
    wording = wording_of(reason, status)
    assert wording.title
    assert wording.why.endswith(".")
    assert wording.todo.endswith(".")


@pytest.mark.parametrize("reason", list(Reason))
def test_no_fault_of_ours_or_a_partners_says_sign_in_again(reason: Reason) -> None:
    wording = wording_of(reason, 503)
    assert "sign in again" not in f"{wording.title} {wording.why} {wording.todo}".lower()


def test_only_being_set_up_waits_by_itself() -> None:
    waiting = {reason for reason, wording in WORDINGS.items() if wording.is_waiting}
    assert waiting == {Reason.BEING_SET_UP, Reason.APP_TROUBLE, Reason.CREATION_LIMIT}


@pytest.mark.parametrize(
    ("status", "word"),
    [(408, "in time"), (413, "larger"), (414, "longer"), (431, "cookies"), (501, "method")],
)
def test_a_bad_request_is_called_what_its_status_says(status: int, word: str) -> None:
    wording = wording_of(Reason.BAD_REQUEST, status)
    assert word in f"{wording.why} {wording.todo}"
    assert "well formed" not in wording.why
    assert "well formed" in wording_of(Reason.BAD_REQUEST, 400).why


def test_an_address_of_two_meanings_is_not_called_malformed() -> None:
    assert "two" in wording_of(Reason.AMBIGUOUS_PATH, 400).why
