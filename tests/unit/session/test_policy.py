"""What a session is worth and what an answer leaves of it, with literal dates: signed in at 1000, due at 4600."""

from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.model import (
    AskAgain,
    Condition,
    Denied,
    Misconfigured,
    Refreshed,
    RefreshOutcome,
    Spent,
    Tokens,
    Trouble,
)
from proxy.session.store import Suspicion
from tests.fakes.people import CORP, groups, identity, session, subject

RULES = policy.RefreshRules(every=3600, at_least=300, grace=3600, cool_off=30, idle=86400, absolute=7 * 86400)
PLAIN = AskAgain(code="invalid_grant", is_plain_invalid_grant=True)


def after(
    outcome: RefreshOutcome,
    *,
    now: float = 4700.0,
    archive_after: float | None = 86400.0,
    was_spent: bool = False,
    last_seen_at: float = 4650.0,
    refresh_expires_at: float | None = None,
) -> policy.Aftermath:
    due = session(last_seen_at=last_seen_at)
    attempt = policy.marked(due, 4700)
    attempt = replace(attempt, tokens=replace(attempt.tokens, refresh_expires_at=refresh_expires_at))
    return policy.after_refresh(
        attempt, outcome, now=now, rules=RULES, archive_after=archive_after, was_spent=was_spent
    )


@pytest.mark.parametrize(
    ("access_life", "refresh_life", "due"),
    [
        (None, None, 4600),
        (7200, None, 4600),
        (1800, None, 2800),
        (60, None, 1300),
        (None, 1000, 1800),
        (60, 100, 1080),
        (None, -5, 1000),
        (7200, 86400, 4600),
    ],
)
def test_due_is_the_least_of_the_hour_the_access_token_and_most_of_the_refresh_token(
    access_life: float | None, refresh_life: float | None, due: float
) -> None:
    tokens = Tokens(
        access_expires_at=None if access_life is None else 1000 + access_life,
        refresh_expires_at=None if refresh_life is None else 1000 + refresh_life,
    )
    assert policy.due_at(tokens, 1000, RULES) == due


@pytest.mark.parametrize(
    ("now", "next_attempt_at", "expected"),
    [
        (1000, None, Condition.FRESH),
        (4599.9, None, Condition.FRESH),
        (4600, None, Condition.DUE),
        (8200, None, Condition.DUE),
        (4610, 4630, Condition.WAITING),
        (4630, 4630, Condition.DUE),
        (8199, 8205, Condition.WAITING),
        (8200, 8205, Condition.STALE),
        (8205, 8205, Condition.DUE),
        (90_000, 90_001, Condition.ENDED),
        (1000 + 86400, None, Condition.ENDED),
        (699, None, Condition.DUE),
        (700, None, Condition.FRESH),
        (701, None, Condition.FRESH),
    ],
)
def test_condition_follows_the_clock(now: float, next_attempt_at: float | None, expected: Condition) -> None:
    rules = replace(RULES, idle=86400)
    assert policy.condition(session(next_attempt_at=next_attempt_at), now, rules) is expected


def test_a_session_in_use_still_ends_at_the_absolute_limit() -> None:
    old = session(last_seen_at=1000.0 + 7 * 86400, due_at=1e9)
    assert policy.condition(old, 1000 + 7 * 86400, RULES) is Condition.ENDED
    assert policy.condition(old, 999 + 7 * 86400, RULES) is Condition.FRESH


def test_an_outage_is_ridden_out_for_the_grace_and_no_longer() -> None:
    waiting = session(next_attempt_at=8300.0)
    assert policy.may_serve(waiting, 8199, RULES)
    assert not policy.may_serve(waiting, 8200, RULES)
    assert policy.serve_until(waiting, RULES) == 8200


def test_a_cached_copy_is_looked_at_again_when_due_or_when_the_cool_off_is_over() -> None:
    assert policy.serve_until(session(), RULES) == 4600
    assert policy.serve_until(session(next_attempt_at=4630.0), RULES) == 4630


def test_no_cached_copy_outlives_the_session_while_it_cools_off() -> None:
    waiting = session(next_attempt_at=1e9, due_at=1e9)
    assert policy.serve_until(waiting, RULES) == 1000 + 86400
    assert policy.serve_until(replace(waiting, last_seen_at=1e9), RULES) == 1000 + 7 * 86400


def test_early_renewals_are_spread_over_the_last_tenth_by_the_session_key() -> None:
    first = session(key="00000000" + "0" * 56)
    last = session(key="ffffffff" + "0" * 56)
    assert policy.early_at(first, RULES) == 4600
    assert policy.early_at(last, RULES) == 4240
    assert policy.early_at(replace(last, next_attempt_at=4500.0), RULES) == 4500
    assert policy.early_at(replace(last, due_at=1000.0), RULES) == 1000


def test_refreshed_makes_a_fresh_session_with_the_new_tokens_and_no_mark() -> None:
    new = Tokens(access_token="a2", refresh_token="r2")
    result = after(Refreshed(identity=identity(groups=groups("ops"), stated_at=4690), tokens=new))
    assert isinstance(result, policy.Goes)
    assert result.session.tokens == new
    assert result.session.due_at == 4700 + 3600
    assert result.session.spent is None
    assert result.session.identity.groups == groups("ops")
    assert result.session.version == 3


def test_groups_not_stated_leave_the_last_known_set_in_the_session_but_not_in_the_statement() -> None:
    due = policy.marked(session(identity=identity(groups=groups("ops"))), 4700)
    outcome = Refreshed(identity=identity(groups=NOT_STATED), tokens=Tokens())
    result = policy.after_refresh(due, outcome, now=4700, rules=RULES, archive_after=None, was_spent=False)
    assert isinstance(result, policy.Goes)
    assert result.session.identity.groups == groups("ops")
    assert result.identity.groups is NOT_STATED


def test_a_later_answer_is_the_later_statement_even_if_the_idp_clock_went_back() -> None:
    result = after(Refreshed(identity=identity(stated_at=900), tokens=Tokens()))
    assert isinstance(result, policy.Goes)
    assert result.identity.stated_at == 1000


def test_denied_ends_every_session_of_the_person() -> None:
    assert after(Denied(marker="User disabled")) == policy.EndsPerson(
        reason=Reason.IDP_DENIED, marker="User disabled"
    )


@pytest.mark.parametrize("outcome", [Trouble(detail="time-out"), Misconfigured(code="invalid_client")])
def test_trouble_and_misconfiguration_end_nothing_and_cool_off(outcome: RefreshOutcome) -> None:
    result = after(outcome)
    assert isinstance(result, policy.Rides)
    assert result.session.next_attempt_at == 4730
    assert result.session.tokens.refresh_token == "refresh-1"
    assert policy.condition(result.session, 4701, RULES) is Condition.WAITING


def test_retry_after_is_obeyed_up_to_the_interval() -> None:
    long = after(Trouble(detail="429", retry_after=120))
    absurd = after(Trouble(detail="429", retry_after=1e9))
    assert isinstance(long, policy.Rides)
    assert isinstance(absurd, policy.Rides)
    assert long.session.next_attempt_at == 4820
    assert absurd.session.next_attempt_at == 4700 + 3600


def test_the_mark_stays_after_a_lost_answer_and_goes_after_a_rejection_of_us() -> None:
    lost, rejected = after(Trouble(detail="time-out")), after(Misconfigured(code="invalid_client"))
    assert isinstance(lost, policy.Rides)
    assert isinstance(rejected, policy.Rides)
    assert policy.is_spent(lost.session)
    assert not policy.is_spent(rejected.session)


def test_the_mark_stays_when_the_idp_granted_the_refresh_and_its_id_token_was_bad() -> None:
    granted = after(Misconfigured(code="signature_bad"))
    assert isinstance(granted, policy.Rides)
    assert policy.is_spent(granted.session)


@pytest.mark.parametrize(
    ("stated_at", "at", "expected"),
    [(1000, 4650.7, 4650), (970, 4650.7, 4620), (1030, 4650.7, 4680), (1000, 999.5, 1000)],
    ids=["same clock", "IdP behind", "IdP ahead", "never before its last statement"],
)
def test_a_denial_is_dated_by_the_idps_own_clock(stated_at: float, at: float, expected: float) -> None:
    assert policy.idp_time(session(identity=identity(stated_at=stated_at)), at) == expected


def test_a_plain_invalid_grant_ends_this_session_and_starts_the_timer() -> None:
    result = after(PLAIN)
    assert isinstance(result, policy.Ends)
    assert result.suspicion is not None
    assert result.suspicion.fires_at == 4700 + 86400


@pytest.mark.parametrize(
    "changes",
    [
        {"archive_after": None},
        {"last_seen_at": 1000.0},
        {"refresh_expires_at": 4699.0},
        {"refresh_expires_at": 4700.0},
    ],
    ids=["never", "not used within the hour", "the token had expired", "the token expires now"],
)
def test_no_timer_starts_without_its_conditions(changes: dict[str, float | None]) -> None:
    assert after(PLAIN, **changes) == policy.Ends(reason=Reason.ASK_AGAIN)  # type: ignore[arg-type] # a table


def test_no_timer_starts_for_an_explained_answer() -> None:
    assert after(AskAgain(code="login_required")) == policy.Ends(reason=Reason.ASK_AGAIN)


def test_the_timer_says_whose_it_is_and_the_hours_last_second_is_in_use() -> None:
    timer = Suspicion(subject=subject(), idp=CORP, started_at=4700.0, fires_at=4700.0 + 86400)
    assert after(PLAIN, last_seen_at=4700.0 - 3600) == policy.Ends(reason=Reason.ASK_AGAIN, suspicion=timer)


def test_an_after_of_zero_fires_at_once() -> None:
    result = after(PLAIN, archive_after=0.0)
    assert isinstance(result, policy.Ends)
    assert result.suspicion is not None
    assert result.suspicion.fires_at == 4700


def test_a_token_that_we_spent_ourselves_leads_to_a_silent_sign_in_and_no_timer() -> None:
    result = after(PLAIN, was_spent=True)
    assert isinstance(result, policy.Rides)
    assert result.session.tokens.refresh_token is None
    assert policy.condition(result.session, 4701, RULES) is Condition.DUE


def test_the_mark_names_the_current_token_only() -> None:
    attempt = policy.marked(session(), 4700)
    assert policy.is_spent(attempt)
    assert not policy.is_spent(replace(attempt, tokens=Tokens(refresh_token="another")))
    assert not policy.is_spent(session())


def test_a_session_without_a_refresh_token_cannot_be_marked() -> None:
    with pytest.raises(ValueError, match="refresh token"):
        policy.marked(session(tokens=Tokens()), 1)


@pytest.mark.parametrize(
    ("started", "sessions", "storm"),
    [(5, 10, False), (6, 10, True), (50, 1000, False), (51, 1000, True), (6, 0, True)],
)
def test_a_storm_is_more_than_five_and_more_than_five_percent(
    started: int, sessions: int, storm: bool
) -> None:
    assert policy.is_storm(started, sessions) is storm


# --- whole records: a save without a new version is lost, and the reason is what the operator reads ---------------


MARKED = policy.marked(session(), 4700.0)


def test_a_marked_session_is_a_new_version_with_the_tokens_hash_and_the_time() -> None:
    spent = Spent(token_hash=policy.token_hash("refresh-1"), at=4700.0)
    assert policy.marked(session(), 4700.0) == replace(session(), spent=spent, version=session().version + 1)


def test_a_session_that_waits_for_the_browser_keeps_nothing_of_the_attempt() -> None:
    expiring = Tokens(access_token="a", refresh_token="r", refresh_expires_at=9000.0)
    cooling = replace(MARKED, tokens=expiring, next_attempt_at=4730.0)
    assert policy.awaiting_browser(cooling, Reason.IDP_TROUBLE) == replace(
        session(),
        tokens=Tokens(access_token="a"),
        trouble=Reason.IDP_TROUBLE,
        version=MARKED.version + 1,
    )


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Trouble(detail="time-out"), Reason.IDP_TROUBLE),
        (Misconfigured(code="signature_bad"), Reason.IDP_MISCONFIGURED),
    ],
)
def test_a_session_that_cools_off_is_a_new_version_with_the_reason(
    outcome: RefreshOutcome, reason: Reason
) -> None:
    cooled = replace(MARKED, trouble=reason, next_attempt_at=4730.0, version=MARKED.version + 1)
    assert after(outcome) == policy.Rides(session=replace(cooled, last_seen_at=4650.0))


def test_a_token_that_we_spent_ourselves_is_named_as_the_trouble() -> None:
    result = after(PLAIN, was_spent=True)
    assert isinstance(result, policy.Rides)
    assert result.session.trouble is Reason.OUR_TOKEN_SPENT


def test_a_refresh_ends_the_trouble_and_starts_a_new_hour() -> None:
    troubled = replace(MARKED, trouble=Reason.IDP_TROUBLE, next_attempt_at=4690.0)
    outcome = Refreshed(identity=identity(), tokens=Tokens())
    result = policy.after_refresh(
        troubled, outcome, now=4700.0, rules=RULES, archive_after=None, was_spent=False
    )
    assert isinstance(result, policy.Goes)
    assert result.session == replace(
        session(), tokens=Tokens(), refreshed_at=4700.0, due_at=8300.0, version=MARKED.version + 1
    )
