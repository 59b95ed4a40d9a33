"""What an app's answer means: done, a refusal with a reason, or trouble that may pass.

| status | means, unless the preset's error table says otherwise |
|---|---|
| 2xx | done |
| 401, 403 | APP_UNPROVED: our credential is not accepted; never that somebody is gone |
| 3xx | trouble: nothing is followed |
| 408, 425, 429, 5xx | trouble |
| other 4xx | APP_REFUSED; 404 to a question that names no account: trouble, whatever the table says |
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from proxy.apps.expression import Expression, Unread
from proxy.apps.fields import compiled
from proxy.apps.preset import ErrorRule, Means, Preset
from proxy.apps.template import Json
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.reasons import Reason

_PASSING = frozenset({408, 425, 429})
_NOT_THERE = frozenset({404})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_REASONS = {
    Means.LOGIN_TAKEN: Reason.LOGIN_TAKEN,
    Means.NO_SEAT: Reason.NO_SEAT,
    Means.ACCOUNT_GONE: Reason.ACCOUNT_GONE,
    Means.PROTECTED: Reason.PROTECTED_ACCOUNT,
    Means.REFUSED: Reason.APP_REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: `document` is the JSON body (None when there was none); `retry_after` in seconds."""

    status: int
    document: Json = field(default=None, repr=False)
    retry_after: float | None = None
    link: str | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The app agreed, or it was so already."""

    document: Json = field(default=None, repr=False)
    was_so: bool = False


def judge(preset: Preset, operation: str | None, answer: Answer, *, what: str) -> Done | AppFault:
    """Whether the app agreed. `what` names the request in the detail, e.g. `POST /users.json`."""
    if answer.is_success:
        return Done(document=answer.document)
    detail = f"{what} answered {answer.status}{_texts(preset.error_text, answer)}"
    rule = next((rule for rule in preset.errors if fits(rule, operation, answer)), None)
    return _by_rule(rule, answer, detail) if rule else _by_status(answer, detail)


def about_nobody(verdict: Done | AppFault, status: int | None) -> Done | AppFault:
    """The verdict on a question that names no account: a list or a token's owner that is not there is an API in trouble (being
    moved, restarted, behind a proxy of its own), never a word about the person it was asked for."""
    if isinstance(verdict, AppRefusal) and status in _NOT_THERE:
        return AppTrouble(detail=verdict.detail)
    return verdict


def fits(rule: ErrorRule, operation: str | None, answer: Answer) -> bool:
    if rule.status != answer.status or (rule.operations and operation not in rule.operations):
        return False
    return _is_so(rule.when, answer.document) and _holds(rule.text, answer.document)


def _is_so(expression: Expression | None, document: Json) -> bool:
    try:
        return expression is None or bool(expression.read(document))
    except Unread:
        return False


def _holds(pattern: str | None, document: Json) -> bool:
    return pattern is None or compiled(pattern).search(json.dumps(document, ensure_ascii=False)) is not None


def _by_rule(rule: ErrorRule, answer: Answer, detail: str) -> Done | AppFault:
    match rule.means:
        case Means.ALREADY_SO:
            return Done(document=answer.document, was_so=True)
        case Means.TROUBLE:
            return AppTrouble(detail=detail, retry_after=answer.retry_after)
        case _:
            return AppRefusal(reason=_REASONS[rule.means], detail=detail)


def _by_status(answer: Answer, detail: str) -> AppFault:
    if answer.status in {401, 403}:
        return AppRefusal(reason=Reason.APP_UNPROVED, detail=detail)
    if 400 <= answer.status < 500 and answer.status not in _PASSING:
        return AppRefusal(reason=Reason.APP_REFUSED, detail=detail)
    return AppTrouble(detail=detail, retry_after=answer.retry_after)


def _texts(expression: Expression | None, answer: Answer) -> str:
    """What the app said, for the operator: one line, at most 300 characters."""
    try:
        found = expression.read(answer.document) if expression and answer.document is not None else None
    except Unread:
        return ""
    said = "; ".join(_strings(found))
    return f": {_CONTROLS.sub(' ', said)[:300]}" if said else ""


def _strings(found: Json) -> Iterable[str]:
    match found:
        case str():
            return (found,)
        case list():
            return (each for item in found for each in _strings(item))
        case dict():
            return (each for item in found.values() for each in _strings(item))
        case _:
            return ()
