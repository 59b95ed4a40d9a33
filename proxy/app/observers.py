"""Who hears of what happens: every observer of the rooms below, over one Telemetry."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from proxy.apps.wire import CallRecord
from proxy.groups.stored import Ruled
from proxy.identity import NOT_STATED, Identity, IdpId, Subject
from proxy.provisioning.audit import AuditRecord
from proxy.provisioning.directory import (
    Active,
    Cause,
    Gone,
    Standing,
    Suspended,
    Unknown,
    reason_of,
)
from proxy.provisioning.report import Kind, Report
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.model import (
    AccountRefused,
    AskAgain,
    Denied,
    Misconfigured,
    Pending,
    Ready,
    Refreshed,
    RefreshOutcome,
    Session,
    Trouble,
)
from proxy.session.store import Suspicion
from proxy.telemetry.telemetry import Telemetry

CALLS: Final = frozenset(
    {"create", "restore", "archive", "set_profile", "set_role", "join", "leave", "create_group"}
)
"""The operations of an audit record that are calls to the app; the others are decisions."""

ALARMS: Final = frozenset({"alarm", "hold", "park"})
"""Decisions that wait for an administrator."""

_CARRIED: Final = ("account", "reason", "cause", "outcome", "before", "after")


def named(subject: Subject) -> dict[str, str]:
    """A person, as log and audit name them."""
    return {"issuer": subject.issuer, "subject": subject.subject}


class Observers:
    """Witness of renewals, chronicle of arrivals, journal of the pages, audit of the courier."""

    def __init__(
        self, telemetry: Telemetry, keep: Callable[[Mapping[str, Any]], None] = lambda record: None
    ) -> None:
        """`keep` takes each audit record for the store, at once."""
        self._telemetry = telemetry
        self._keep = keep
        self._metrics = telemetry.metrics
        self._log = telemetry.log

    # --- the keeper's witness ---

    def refreshed(self, session: Session, outcome: RefreshOutcome, aftermath: policy.Aftermath) -> None:
        """Count the outcome; raise the alarms; say why a session ended."""
        word, detail = _outcome(outcome)
        self._metrics.refresh_outcome(session.idp, word)
        if isinstance(outcome, Refreshed) and outcome.identity.groups is NOT_STATED:
            self._metrics.groups_not_stated(session.idp)
        facts = {"idp": session.idp, "session": session.key[:16], **named(session.subject)}
        match outcome:
            case Misconfigured():
                self._log.error("refresh", reason=Reason.IDP_MISCONFIGURED, detail=detail, **facts)
            case Trouble():
                self._log.warning("refresh", reason=Reason.IDP_TROUBLE, detail=detail, **facts)
            case _:
                self._log.info("refresh", outcome=word, detail=detail, **facts)
        match aftermath:
            case policy.Ends(reason=reason):
                self._metrics.session_ended(reason)
                self._audit("end_session", reason=reason, cause=detail, **facts)
            case policy.Rides(session=after) if after.trouble is Reason.OUR_TOKEN_SPENT:
                self._audit("await_browser", reason=Reason.OUR_TOKEN_SPENT, cause=detail, **facts)

    def suspected(self, suspicion: Suspicion, *, is_storm: bool) -> None:
        facts = {"idp": suspicion.idp, "fires_at": suspicion.fires_at, **named(suspicion.subject)}
        self._audit("suspect", reason=Reason.TIMER_STARTED, **facts)
        if is_storm:
            self._log.error("suspicion_storm", reason=Reason.TIMER_FROZEN, idp=suspicion.idp)
            self._audit("freeze", reason=Reason.TIMER_FROZEN, idp=suspicion.idp)

    def cleared(self, subject: Subject) -> None:
        self._audit("clear_suspicion", reason=Reason.TIMER_CANCELLED, **named(subject))

    def directory_answered(self, idp: IdpId, subject: Subject, standing: Standing) -> None:
        """An alarm where an operator must mend something; everything else is for the record."""
        facts = {"idp": idp, **named(subject)}
        match standing:
            case Active():
                return
            case Suspended(marker=marker) | Gone(marker=marker):
                self._log.warning("directory", reason=reason_of(standing), detail=marker, **facts)
            case Unknown(cause=Cause.NOT_COVERED, detail=detail):
                self._log.info("directory", outcome="not_covered", detail=detail, **facts)
            case Unknown(cause=cause, detail=detail):
                is_ours = cause is Cause.MISCONFIGURED
                (self._log.error if is_ours else self._log.warning)(
                    "directory", reason=reason_of(standing), detail=detail, **facts
                )

    # --- the chronicle of arrivals ---

    def arrived(self, session: Session) -> None:
        state, reason = _account(session)
        self._metrics.sign_in(session.idp, state)
        self._audit(
            "sign_in",
            reason=reason,
            idp=session.idp,
            session=session.key[:16],
            account=state,
            groups=_groups(session.identity),
            **named(session.subject),
        )

    def turned_away(self, identity: Identity, reason: Reason) -> None:
        self._audit("turn_away", reason=reason, idp=identity.idp, **named(identity.subject))

    def removed(self, subject: Subject, idp: IdpId, reason: Reason, marker: str, ended: int) -> None:
        self._metrics.session_ended(reason, ended)
        self._log.warning("person_removed", reason=reason, idp=idp, sessions=ended, **named(subject))
        self._audit("remove", reason=reason, cause=marker, idp=idp, sessions=ended, **named(subject))

    # --- the journal of the pages ---

    def sign_in_failed(self, code: str, *, idp: IdpId | None, peer: str) -> None:
        self._metrics.sign_in(idp or "unknown", "failed")
        self._log.warning("sign_in_failed", what=code, idp=idp, peer=peer)
        self._audit("sign_in", reason=code, outcome="failed", idp=idp, peer=peer)

    def idp_failed(self, idp: IdpId, reason: Reason, detail: str) -> None:
        word = "misconfigured" if reason is Reason.IDP_MISCONFIGURED else "trouble"
        self._metrics.idp_answered(idp, word)
        self._log.error("sign_in", reason=reason, idp=idp, detail=detail)

    def signed_out(self, session: Session) -> None:
        self._metrics.session_ended(Reason.SIGNED_OUT)
        self._audit("sign_out", reason=Reason.SIGNED_OUT, session=session.key[:16], **named(session.subject))

    def ended_by_person(self, session: Session, ended: int) -> None:
        reason = Reason.ENDED_BY_PERSON
        self._metrics.session_ended(reason, ended)
        facts = {"sessions": ended, "session": session.key[:16], **named(session.subject)}
        self._audit("end_session", reason=reason, **facts)

    def ended_by_operator(self, session: Session) -> None:
        """Through the admin API; the command writes its own record."""
        reason = Reason.ENDED_BY_OPERATOR
        self._metrics.session_ended(reason, 1)
        facts = {"sessions": 1, "session": session.key[:16], **named(session.subject)}
        self._audit("end_session", reason=reason, **facts)

    def idp_logged_out(self, idp: IdpId, subject: Subject | None, ended: int, *, channel: str) -> None:
        """The IdP ended its own session; what it led to here is over too."""
        reason = Reason.LOGGED_OUT_AT_IDP
        self._metrics.session_ended(reason, ended)
        person = {} if subject is None else named(subject)
        self._audit("idp_logout", reason=reason, idp=idp, channel=channel, sessions=ended, **person)

    def logout_refused(self, code: str, *, peer: str) -> None:
        """No audit record: anybody can send a token that is none, and nothing was done."""
        self._log.warning("logout_refused", what=code, peer=peer)

    def crashed(self, error: BaseException) -> str:
        return self._telemetry.report(error)

    # --- bearer clients ---

    def bearer_begun(self, session: Session) -> None:
        state, reason = _account(session)
        self._metrics.bearer_token(session.idp, state)
        self._audit(
            "bearer",
            reason=reason,
            idp=session.idp,
            session=session.key[:16],
            account=state,
            groups=_groups(session.identity),
            peer=session.device.peer,
            **named(session.subject),
        )

    def bearer_refused(self, idp: IdpId, code: str, *, peer: str) -> None:
        """No audit record: anybody can send something that is no token, and nothing was done."""
        self._metrics.bearer_token(idp, "invalid")
        reason = Reason.INSUFFICIENT_SCOPE if code == Reason.INSUFFICIENT_SCOPE else Reason.BEARER_INVALID
        self._log.info("bearer", reason=reason, what=code, idp=idp, peer=peer)

    def bearer_unheard(self, idp: IdpId, why: Trouble | Misconfigured) -> None:
        self._metrics.bearer_token(idp, "unheard")
        if isinstance(why, Misconfigured):
            self._log.error("bearer", reason=Reason.IDP_MISCONFIGURED, detail=why.code, idp=idp)
        else:
            self._log.warning("bearer", reason=Reason.IDP_TROUBLE, detail=why.detail, idp=idp)

    def bearers_expired(self, count: int) -> None:
        self._metrics.session_ended(Reason.BEARER_EXPIRED, count)

    # --- the sweep ---

    def swept(self, report: Report, at: float) -> None:
        """One line of the log, an audit record, and the gauges; every call it led to is recorded where it was made."""
        found = {kind.value: report.count(kind) for kind in Kind}
        self._metrics.swept(at=at, seconds=report.seconds, found=found)
        facts = {
            "looked_at": report.looked_at,
            "agree": report.agree,
            **found,
            "seconds": round(report.seconds, 1),
        }
        (self._log.warning if report.held_scopes else self._log.info)(
            "sweep", held_scopes=list(report.held_scopes), **facts
        )
        self._audit("sweep", **facts)

    def not_swept(self, detail: str) -> None:
        """The app could not be read whole; nothing was changed."""
        self._log.warning("sweep", reason=Reason.APP_TROUBLE, detail=detail)

    # --- the courier and the app ---

    def carried(self, record: AuditRecord) -> None:
        """One decision of the courier, or one call and what came of it."""
        facts = {name: value for name in _CARRIED if (value := getattr(record, name)) not in (None, "")}
        person = named(record.subject) if record.subject else {}
        if record.operation in CALLS:
            self._metrics.app_call(record.operation, "done" if record.outcome == "done" else "failed")
        if record.operation in ALARMS:
            self._log.error("courier", operation=record.operation, **facts, **person)
        self._audit(record.operation, **facts, **person)

    def called(self, call: CallRecord) -> None:
        """One HTTP exchange with the app's admin API, for whom and why."""
        errand = call.errand
        facts = {"account": errand.account, "reason": errand.reason, "cause": errand.cause}
        self._audit(
            "app_call",
            purpose=errand.purpose,
            **(named(errand.subject) if errand.subject else {}),
            **{name: value for name, value in facts.items() if value},
            method=call.method,
            path=call.path,
            status=call.status,
            ms=round(call.seconds * 1000, 1),
        )

    # --- the edge's upstreams ---

    def upstream_told(self, upstream: str, reason: Reason | None, detail: str) -> None:
        """An upstream cannot be reached, trusted or understood, or is there again."""
        if reason is None:
            self._log.info("upstream", upstream=upstream, outcome="reachable")
        else:
            self._log.error("upstream", upstream=upstream, reason=reason, detail=detail)

    # --- what operators rule at run time ---

    def ruled(self, ruled: Ruled, opened: int) -> None:
        """New rules hold here; `opened` people are looked at for it."""
        is_off = ruled.provisioning is not None and not ruled.provisioning.is_on
        facts = {"version": ruled.version, "links": len(ruled.links), "denied": len(ruled.denials)}
        self._log.info("rulings", provisioning="off" if is_off else "on", opened=opened, **facts)

    def shut_out(self, subject: Subject, ended: int) -> None:
        """Somebody with a session is denied now."""
        self._metrics.session_ended(Reason.DENY_LISTED, ended)
        self._log.warning("person_removed", reason=Reason.DENY_LISTED, sessions=ended, **named(subject))
        self._audit("remove", reason=Reason.DENY_LISTED, sessions=ended, **named(subject))

    def _audit(self, event: str, **facts: Any) -> None:
        record = {"event": event, **facts}
        self._telemetry.audit(record)
        self._keep(record)


def _outcome(outcome: RefreshOutcome) -> tuple[str, str]:
    """The metric's word, and what the IdP said in one."""
    match outcome:
        case Refreshed():
            return "refreshed", ""
        case Denied(marker=marker):
            return "denied", marker
        case AskAgain(code=code):
            return "ask_again", code
        case Trouble(detail=detail):
            return "trouble", detail
        case Misconfigured(code=code):
            return "misconfigured", code


def _account(session: Session) -> tuple[str, Reason]:
    match session.account:
        case Ready():
            return "ready", Reason.SIGNED_IN
        case Pending(reason=reason):
            return "pending", reason
        case AccountRefused(reason=reason):
            return "refused", reason


def _groups(identity: Identity) -> list[str] | str:
    return "not stated" if identity.groups is NOT_STATED else sorted(identity.groups)
