"""What is heard goes to the log, the metrics and the audit under the same words, and never with a secret in it."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from proxy.app.observers import ALARMS, CALLS, Observers, named
from proxy.apps.wire import CallRecord
from proxy.identity import NOT_STATED
from proxy.provisioning.audit import AuditRecord
from proxy.provisioning.directory import Active, Cause, Gone, Standing, Suspended, Unknown
from proxy.provisioning.errand import Errand
from proxy.provisioning.model import AccountId
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.model import (
    AccountRefused,
    AccountState,
    AskAgain,
    Denied,
    Misconfigured,
    Pending,
    Ready,
    Refreshed,
    RefreshOutcome,
    Session,
    Tokens,
    Trouble,
)
from proxy.session.store import Suspicion
from proxy.telemetry.telemetry import Streams, Telemetry, TelemetryRules
from tests.fakes.people import CORP, groups, identity, session, subject

SECRETS = ("plain-access-4f1c", "plain-refresh-9b2e", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")
TOKENS = Tokens(access_token=SECRETS[0], refresh_token=SECRETS[1], id_token=SECRETS[2])


class Told:
    """Observers, and everything they wrote."""

    def __init__(self) -> None:
        self._streams = Streams(log=io.StringIO(), out=io.StringIO())
        self._telemetry = Telemetry(TelemetryRules(level="debug", idps=("corp",)), streams=self._streams)
        self.observers = Observers(self._telemetry)

    @property
    def text(self) -> str:
        return self._read(self._streams.log) + self._read(self._streams.out)

    def _read(self, stream: Any) -> str:
        return str(stream.getvalue())

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._read(self._streams.log).splitlines()]

    def audit(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._read(self._streams.out).splitlines()]

    def figure(self, name: str, **labels: str) -> float | None:
        return self._telemetry.metrics.registry.get_sample_value(f"muster_{name}", labels)


def one() -> Session:
    return session(tokens=TOKENS)


def goes() -> policy.Goes:
    return policy.Goes(session=one(), identity=identity())


def rides(trouble: Reason) -> policy.Rides:
    return policy.Rides(session=replace(one(), trouble=trouble))


ENDS = policy.Ends(reason=Reason.ASK_AGAIN)
GONE = policy.EndsPerson(reason=Reason.IDP_DENIED, marker="User disabled")


@pytest.mark.parametrize(
    ("outcome", "aftermath", "word", "level"),
    [
        (Refreshed(identity=identity(), tokens=TOKENS), goes(), "refreshed", "info"),
        (Denied(marker="User disabled"), GONE, "denied", "info"),
        (AskAgain(code="login_required"), ENDS, "ask_again", "info"),
        (Trouble(detail="503"), rides(Reason.IDP_TROUBLE), "trouble", "warning"),
        (Misconfigured(code="invalid_client"), rides(Reason.IDP_MISCONFIGURED), "misconfigured", "error"),
    ],
)
def test_each_answer_to_a_refresh_has_its_word(
    outcome: RefreshOutcome, aftermath: policy.Aftermath, word: str, level: str
) -> None:
    told = Told()
    told.observers.refreshed(one(), outcome, aftermath)
    assert told.figure("refresh_outcomes_total", idp="corp", outcome=word) == 1
    assert told.figure("idp_misconfigured", idp="corp") == (word == "misconfigured")
    assert told.figure("idp_trouble", idp="corp") == (word == "trouble")
    (record,) = told.log()
    assert (record["event"], record["level"], record["idp"]) == ("refresh", level, "corp")
    assert (record["issuer"], record["subject"]) == ("https://idp.example.com", "sub-alice")
    assert record["session"] == one().key[:16]


def test_a_rejected_client_is_searched_for_by_its_reason() -> None:
    told = Told()
    told.observers.refreshed(one(), Misconfigured(code="invalid_client"), rides(Reason.IDP_MISCONFIGURED))
    (record,) = told.log()
    assert (record["reason"], record["detail"]) == ("idp_misconfigured", "invalid_client")
    assert told.audit() == [], "nothing was decided about the person"


def test_an_idp_in_trouble_says_what_it_answered() -> None:
    told = Told()
    told.observers.refreshed(one(), Trouble(detail="503 Service Unavailable"), rides(Reason.IDP_TROUBLE))
    (record,) = told.log()
    assert (record["reason"], record["detail"]) == ("idp_trouble", "503 Service Unavailable")


def test_an_ended_session_is_counted_and_written_down() -> None:
    told = Told()
    told.observers.refreshed(one(), AskAgain(code="login_required"), ENDS)
    assert told.figure("sessions_ended_total", reason="ask_again") == 1
    (record,) = told.audit()
    assert (record["event"], record["reason"], record["cause"]) == (
        "end_session",
        "ask_again",
        "login_required",
    )
    assert record["subject"] == "sub-alice"


def test_a_token_that_we_spent_ourselves_is_written_down_and_ends_nothing() -> None:
    told = Told()
    told.observers.refreshed(one(), AskAgain(code="invalid_grant"), rides(Reason.OUR_TOKEN_SPENT))
    (record,) = told.audit()
    assert (record["event"], record["reason"]) == ("await_browser", "our_token_spent")
    assert told.figure("sessions_ended_total", reason="ask_again") is None


@pytest.mark.parametrize(("stated", "count"), [(NOT_STATED, 1), (groups(), None), (groups("a"), None)])
def test_silence_about_groups_is_counted(stated: Any, count: float | None) -> None:
    told = Told()
    told.observers.refreshed(one(), Refreshed(identity=identity(groups=stated), tokens=TOKENS), goes())
    assert told.figure("groups_not_stated_total", idp="corp") == count


@pytest.mark.parametrize("is_storm", [False, True])
def test_a_timer_is_written_down_and_a_storm_raises_an_alarm(is_storm: bool) -> None:
    told = Told()
    suspicion = Suspicion(subject=subject(), idp=CORP, started_at=1000.0, fires_at=2000.0)
    told.observers.suspected(suspicion, is_storm=is_storm)
    events = [(record["event"], record["reason"]) for record in told.audit()]
    assert events == [("suspect", "timer_started")] + [("freeze", "timer_frozen")] * is_storm
    assert told.audit()[0]["fires_at"] == 2000.0
    alarms = [(record["event"], record["level"], record["reason"]) for record in told.log()]
    assert alarms == [("suspicion_storm", "error", "timer_frozen")] * is_storm


def test_a_cancelled_timer_is_written_down() -> None:
    told = Told()
    told.observers.cleared(subject())
    (record,) = told.audit()
    assert (record["event"], record["reason"], record["subject"]) == (
        "clear_suspicion",
        "timer_cancelled",
        "sub-alice",
    )


@pytest.mark.parametrize(
    ("account", "state", "reason"),
    [
        (Ready(login="alice"), "ready", "signed_in"),
        (Pending(), "pending", "being_set_up"),
        (AccountRefused(reason=Reason.NOT_INVITED), "refused", "not_invited"),
    ],
)
def test_an_arrival_says_what_came_of_the_account(account: AccountState, state: str, reason: str) -> None:
    told = Told()
    told.observers.arrived(replace(one(), account=account, identity=identity(groups=groups("b", "a"))))
    assert told.figure("sign_ins_total", idp="corp", result=state) == 1
    (record,) = told.audit()
    assert (record["event"], record["account"], record["reason"]) == ("sign_in", state, reason)
    assert record["groups"] == ["a", "b"]


def test_an_arrival_without_stated_groups_says_so() -> None:
    told = Told()
    told.observers.arrived(replace(one(), identity=identity(groups=NOT_STATED)))
    assert told.audit()[0]["groups"] == "not stated"


def test_who_was_turned_away_is_written_down() -> None:
    told = Told()
    told.observers.turned_away(identity(), Reason.DOMAIN_NOT_ALLOWED)
    (record,) = told.audit()
    assert (record["event"], record["reason"], record["idp"]) == ("turn_away", "domain_not_allowed", "corp")


def test_a_removed_person_is_written_down_with_what_the_idp_said() -> None:
    told = Told()
    told.observers.removed(subject(), CORP, Reason.IDP_DENIED, "User disabled", 3)
    (record,) = told.audit()
    assert (record["event"], record["reason"], record["cause"], record["sessions"]) == (
        "remove",
        "idp_denied",
        "User disabled",
        3,
    )
    assert told.log()[0]["level"] == "warning"
    assert told.figure("sessions_ended_total", reason="idp_denied") == 3


def test_a_failed_sign_in_is_a_code_and_an_address() -> None:
    told = Told()
    told.observers.sign_in_failed("state_mismatch", idp=None, peer="192.0.2.1")
    assert told.figure("sign_ins_total", idp="unknown", result="failed") == 1
    (record,) = told.audit()
    assert (record["reason"], record["outcome"], record["peer"]) == ("state_mismatch", "failed", "192.0.2.1")
    assert told.log()[0]["what"] == "state_mismatch"


@pytest.mark.parametrize(
    ("reason", "gauge", "other"),
    [
        (Reason.IDP_MISCONFIGURED, "idp_misconfigured", "idp_trouble"),
        (Reason.IDP_TROUBLE, "idp_trouble", "idp_misconfigured"),
    ],
)
def test_an_idp_that_fails_at_a_sign_in_moves_its_gauge(reason: Reason, gauge: str, other: str) -> None:
    told = Told()
    told.observers.idp_failed(CORP, reason, "invalid_client")
    assert (told.figure(gauge, idp="corp"), told.figure(other, idp="corp")) == (1, 0)
    assert told.log()[0]["reason"] == reason


def test_a_sign_out_is_counted_and_written_down() -> None:
    told = Told()
    told.observers.signed_out(one())
    assert told.figure("sessions_ended_total", reason="signed_out") == 1
    assert told.audit()[0]["event"] == "sign_out"


def test_sessions_that_somebody_ended_elsewhere_are_counted_and_written_down() -> None:
    told = Told()
    told.observers.ended_by_person(one(), 2)
    assert told.figure("sessions_ended_total", reason="ended_by_person") == 2
    (record,) = told.audit()
    assert (record["event"], record["reason"], record["sessions"]) == ("end_session", "ended_by_person", 2)


def test_a_logout_at_the_idp_is_counted_and_written_down() -> None:
    told = Told()
    told.observers.idp_logged_out(CORP, subject(), 2, channel="back")
    assert told.figure("sessions_ended_total", reason="logged_out_at_idp") == 2
    (record,) = told.audit()
    assert (record["event"], record["idp"], record["sessions"]) == ("idp_logout", "corp", 2)
    assert (record["channel"], record["subject"]) == ("back", subject().subject)


def test_a_logout_that_was_refused_is_a_warning_and_no_audit_record() -> None:
    told = Told()
    told.observers.logout_refused("event_missing", peer="192.0.2.1")
    assert told.audit() == []
    assert told.log()[0]["what"] == "event_missing"


def test_a_bug_is_shown_as_an_id_that_the_log_knows() -> None:
    told = Told()
    incident = told.observers.crashed(ValueError("a mistake of ours"))
    (record,) = told.log()
    assert record["incident"] == incident
    assert "a mistake" not in incident


def carried(operation: str, **facts: Any) -> AuditRecord:
    plain: dict[str, Any] = {
        "when": 5.0,
        "subject": subject(),
        "account": AccountId("7"),
        "reason": Reason.LINKED,
    }
    return AuditRecord(operation=operation, **(plain | facts))


@pytest.mark.parametrize("operation", sorted(CALLS))
@pytest.mark.parametrize(("outcome", "word"), [("done", "done"), ("503", "failed")])
def test_a_call_to_the_app_is_counted_and_written_down(operation: str, outcome: str, word: str) -> None:
    told = Told()
    told.observers.carried(carried(operation, outcome=outcome, cause="corp group 'a'", after="Developers"))
    assert told.figure("app_calls_total", operation=operation, outcome=word) == 1
    (record,) = told.audit()
    assert record.pop("at")
    assert record == {
        "kind": "audit",
        "event": operation,
        "account": "7",
        "reason": "linked",
        "cause": "corp group 'a'",
        "outcome": outcome,
        "after": "Developers",
        **named(subject()),
    }
    assert told.log() == []


@pytest.mark.parametrize("operation", ["bind", "block", "refuse", "retry", "leave_alone", "agree"])
def test_a_decision_is_written_down_and_is_no_call(operation: str) -> None:
    told = Told()
    told.observers.carried(carried(operation, subject=None, account=None))
    (record,) = told.audit()
    assert (record["event"], record["reason"]) == (operation, "linked")
    assert not {"subject", "issuer", "account", "cause", "before"} & record.keys()
    assert told.figure("app_calls_total", operation=operation, outcome="done") is None


@pytest.mark.parametrize("operation", sorted(ALARMS))
def test_what_waits_for_an_administrator_is_an_error_in_the_log(operation: str) -> None:
    told = Told()
    told.observers.carried(carried(operation, reason=Reason.GUARD_TRIPPED, outcome="held"))
    (record,) = told.log()
    assert (record["level"], record["operation"], record["reason"]) == ("error", operation, "guard_tripped")
    assert record["subject"] == "sub-alice"


def test_a_value_that_looks_like_a_field_is_kept() -> None:
    told = Told()
    told.observers.carried(carried("join", after="subject", cause="subject"))
    assert (told.audit()[0]["after"], told.audit()[0]["cause"]) == ("subject", "subject")


def test_an_exchange_with_the_app_is_a_path_a_status_and_a_time() -> None:
    told = Told()
    told.observers.called(CallRecord(method="POST", path="/api/users", status=None, seconds=0.01234))
    (record,) = told.audit()
    assert record.pop("at")
    assert record == {
        "kind": "audit",
        "event": "app_call",
        "purpose": "look",
        "method": "POST",
        "path": "/api/users",
        "status": None,
        "ms": 12.3,
    }


def test_an_exchange_says_for_whom_and_why() -> None:
    told = Told()
    errand = Errand(
        purpose="join", subject=subject(), account=AccountId("7"), reason=Reason.LINKED, cause="engineers"
    )
    told.observers.called(CallRecord(method="PUT", path="/g", status=204, seconds=0.1, errand=errand))
    (record,) = told.audit()
    assert {
        name: record[name] for name in ("purpose", "issuer", "subject", "account", "reason", "cause")
    } == {
        "purpose": "join",
        **named(subject()),
        "account": "7",
        "reason": "linked",
        "cause": "engineers",
    }


def test_no_line_holds_a_token_whatever_happens() -> None:
    told = Told()
    on = told.observers
    whole = one()
    aftermaths: list[tuple[RefreshOutcome, policy.Aftermath]] = [
        (Refreshed(identity=identity(groups=NOT_STATED), tokens=TOKENS), goes()),
        (Denied(marker="User disabled"), GONE),
        (AskAgain(code="invalid_grant"), ENDS),
        (AskAgain(code="invalid_grant"), rides(Reason.OUR_TOKEN_SPENT)),
        (Trouble(detail=f"refresh_token={SECRETS[1]} was refused"), rides(Reason.IDP_TROUBLE)),
        (Misconfigured(code="invalid_client"), rides(Reason.IDP_MISCONFIGURED)),
    ]
    for outcome, aftermath in aftermaths:
        on.refreshed(whole, outcome, aftermath)
    on.arrived(whole)
    on.signed_out(whole)
    on.turned_away(whole.identity, Reason.NOT_INVITED)
    on.removed(whole.subject, whole.idp, Reason.IDP_DENIED, f"Bearer {SECRETS[0]}", 1)
    on.idp_failed(CORP, Reason.IDP_TROUBLE, f"id_token={SECRETS[2]}")
    assert whole.key not in told.text, "a session is named by the first digits of its key"
    on.crashed(ValueError(f"{whole!r} {aftermaths[0]!r} Bearer {SECRETS[0]}"))
    assert len(told.log()) >= 8
    assert len(told.audit()) >= 6
    for secret in SECRETS:
        assert secret not in told.text


BROKEN = Unknown(detail="http_403", cause=Cause.MISCONFIGURED)


@pytest.mark.parametrize(
    ("standing", "level", "facts"),
    [
        (Suspended(marker="SUSPENDED"), "warning", {"reason": "directory_suspended", "detail": "SUSPENDED"}),
        (Gone(marker="http_404"), "warning", {"reason": "directory_gone", "detail": "http_404"}),
        (BROKEN, "error", {"reason": "directory_misconfigured", "detail": "http_403"}),
        (Unknown(detail="timeout"), "warning", {"reason": "directory_trouble", "detail": "timeout"}),
        (
            Unknown(detail="id_not_stated", cause=Cause.NOT_COVERED),
            "info",
            {"outcome": "not_covered", "detail": "id_not_stated"},
        ),
    ],
)
def test_what_a_directory_says_is_logged_and_a_broken_one_is_an_alarm(
    standing: Standing, level: str, facts: dict[str, str]
) -> None:
    told = Told()
    told.observers.directory_answered(CORP, subject(), standing)
    (line,) = told.log()
    assert line["level"] == level
    assert line.items() >= {**facts, "event": "directory", "idp": "corp", **named(subject())}.items()


def test_that_somebody_is_active_is_not_logged() -> None:
    told = Told()
    told.observers.directory_answered(CORP, subject(), Active())
    assert told.log() == []
