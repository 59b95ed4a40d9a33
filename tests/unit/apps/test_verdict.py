"""What an answer means: the rows of the table."""

from typing import Any

import pytest

from proxy.apps.preset import Preset
from proxy.apps.template import Json
from proxy.apps.verdict import Answer, Done, about_nobody, judge
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.reasons import Reason
from tests.unit.apps.test_preset import WHOLE


def preset(*errors: dict[str, Any], error_text: str | None = None) -> Preset:
    return Preset.model_validate({**WHOLE, "errors": errors, "error_text": error_text})


def verdict(
    status: int,
    document: Json = None,
    *errors: dict[str, Any],
    operation: str | None = "create",
    **further: Any,
) -> Any:
    answer = Answer(status=status, document=document, retry_after=further.get("retry_after"))
    return judge(preset(*errors, error_text=further.get("error_text")), operation, answer, what="POST /u")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_is_done(status: int) -> None:
    assert verdict(status, {"id": 1}) == Done(document={"id": 1})


@pytest.mark.parametrize("status", [401, 403])
def test_a_credential_that_is_not_accepted_is_unproved(status: int) -> None:
    assert verdict(status) == AppRefusal(reason=Reason.APP_UNPROVED, detail=f"POST /u answered {status}")


@pytest.mark.parametrize(
    "status", [100, 301, 302, 303, 307, 308, 408, 425, 429, 500, 502, 503, 504, 599, 600]
)
def test_what_may_pass_is_trouble(status: int) -> None:
    assert verdict(status, retry_after=9.0) == AppTrouble(
        detail=f"POST /u answered {status}", retry_after=9.0
    )


@pytest.mark.parametrize(("status", "is_trouble"), [(404, True), (400, False), (401, False), (410, False)])
def test_a_list_that_is_not_there_is_trouble_and_a_yes_stays_one(status: int, is_trouble: bool) -> None:
    refusal = AppRefusal(reason=Reason.APP_REFUSED, detail="GET /users answered so")
    found = about_nobody(refusal, status)
    assert found == (AppTrouble(detail=refusal.detail) if is_trouble else refusal)
    assert about_nobody(Done(), 404) == Done()
    assert about_nobody(refusal, None) == refusal


@pytest.mark.parametrize("status", [400, 402, 404, 405, 409, 410, 418, 422, 451])
def test_another_no_is_refused(status: int) -> None:
    assert verdict(status) == AppRefusal(reason=Reason.APP_REFUSED, detail=f"POST /u answered {status}")


@pytest.mark.parametrize(
    ("means", "reason"),
    [
        ("login_taken", Reason.LOGIN_TAKEN),
        ("no_seat", Reason.NO_SEAT),
        ("protected", Reason.PROTECTED_ACCOUNT),
        ("refused", Reason.APP_REFUSED),
        ("account_gone", Reason.ACCOUNT_GONE),
    ],
)
def test_a_rule_gives_the_reason(means: str, reason: Reason) -> None:
    assert verdict(404, None, {"status": 404, "means": means}).reason is reason


def test_already_so_counts_as_done() -> None:
    assert verdict(409, {"a": 1}, {"status": 409, "means": "already_so"}) == Done(
        document={"a": 1}, was_so=True
    )


def test_trouble_can_be_named() -> None:
    assert isinstance(verdict(423, None, {"status": 423, "means": "trouble"}), AppTrouble)


@pytest.mark.parametrize(
    ("rule", "document", "operation", "fits"),
    [
        ({}, None, "create", True),
        ({"status": 410}, None, "create", False),
        ({"operations": ["create"]}, None, "create", True),
        ({"operations": ["archive"]}, None, "create", False),
        ({"operations": ["archive"]}, None, None, False),
        ({"when": "code == 'x'"}, {"code": "x"}, "create", True),
        ({"when": "code == 'x'"}, {"code": "y"}, "create", False),
        ({"when": "code == 'x'"}, None, "create", False),
        ({"when": "length(code) > `1`"}, {"code": 5}, "create", False),
        ({"text": "tak[e]n"}, {"errors": ["Login is taken"]}, "create", True),
        ({"text": "vergeben — ä"}, {"errors": ["vergeben — ä"]}, "create", True),
        ({"text": "taken"}, {"errors": []}, "create", False),
        ({"text": "taken", "when": "code"}, {"errors": ["taken"]}, "create", False),
    ],
)
def test_a_rule_fits_when_all_of_it_does(
    rule: dict[str, Any], document: Json, operation: str | None, fits: bool
) -> None:
    found = verdict(409, document, {"status": 409, "means": "login_taken"} | rule, operation=operation)
    assert (found.reason is Reason.LOGIN_TAKEN) is fits


def test_the_first_rule_that_fits_counts() -> None:
    rules = ({"status": 409, "when": "a", "means": "no_seat"}, {"status": 409, "means": "login_taken"})
    assert verdict(409, {"a": True}, *rules).reason is Reason.NO_SEAT
    assert verdict(409, {"a": False}, *rules).reason is Reason.LOGIN_TAKEN


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"errors": ["One", "Two"]}, ": One; Two"),
        ({"errors": {"mail": ["is taken"]}}, ": is taken"),
        ({"errors": "a\r\nb\x1b[31m"}, ": a b [31m"),
        ({"errors": "x" * 1000}, ": " + "x" * 300),
        ({"errors": None}, ""),
        ({"errors": 5}, ""),
        (None, ""),
        ("<html>", ""),
    ],
)
def test_what_the_app_said_is_one_short_line(document: Json, said: str) -> None:
    assert verdict(422, document, error_text="errors").detail == f"POST /u answered 422{said}"


def test_what_was_said_is_not_in_the_repr() -> None:
    assert "s3cret" not in repr(Answer(status=200, document={"key": "s3cret"})) + repr(
        Done(document={"key": "s3cret"})
    )
