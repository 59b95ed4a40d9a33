"""The operator's rules per path: which one holds for a request, and what it demands of a session.

| the path | holds |
|---|---|
| of an open spelling (spelling.py) | the first rule that covers path and method; none: sign-in, and nothing more |
| the same in other case, or with a slash more at its end, than the rule | the same rule; `optional` becomes required |
| any other, and every reading leads to one rule | that rule; `optional` becomes required |
| any other, and its readings lead to different rules, or cannot be told | none: 400 |
| with a method override, and the methods lead to different rules | none: 400 |

Rules are compared without regard to case: an app that reads `/Admin` as `/admin` must not be reached around a rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, unique
from typing import Final

from proxy.gate.decision import Deny, Kind, Request, SignIn, kind_of, overriding
from proxy.gate.spelling import is_open_spelling, is_plain, readings
from proxy.identity import NOT_STATED, GroupName, Identity, IdpId
from proxy.reasons import Reason
from proxy.session.model import Authentication
from proxy.session.step_up import Demand


@unique
class AnswerAs(Enum):
    """What a request without a session hears: by what it says of itself, or always the same."""

    AUTO = "auto"
    REDIRECT = "redirect"
    UNAUTHORIZED = "unauthorized"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """One rule. `path` is exact, or ends in `/*`: everything below, and the folder itself. Empty sets demand nothing.

    `groups`: any one of them. `idps`: whose people may come. `demand`: how they must have proved who they are. `is_optional`:
    forwarded without a session too.
    """

    path: str
    methods: frozenset[bytes] = frozenset()
    answer: AnswerAs = AnswerAs.AUTO
    groups: frozenset[GroupName] = frozenset()
    idps: frozenset[IdpId] = frozenset()
    demand: Demand | None = None
    is_optional: bool = False

    def kind(self, request: Request) -> Kind:
        """How this request is answered where it is not forwarded."""
        kind = kind_of(request)
        if self.answer is AnswerAs.AUTO or kind is Kind.GRPC:
            return kind
        return Kind.NAVIGATION if self.answer is AnswerAs.REDIRECT else Kind.SCRIPT

    def refusal(
        self, identity: Identity, authentication: Authentication, request: Request, now: float
    ) -> Deny | SignIn | None:
        """Why this person may not come here, or not yet; None when they may. Nobody proves more only to be refused."""
        reason = self._exclusion(identity)
        if reason is not None:
            return Deny(status=403, reason=reason, kind=self.kind(request))
        if self.demand is None or self.demand.is_met(authentication, now):
            return None
        kind = self.kind(request)
        return SignIn(reason=Reason.INSUFFICIENT_AUTHENTICATION, kind=kind, demand=self.demand)

    def _exclusion(self, identity: Identity) -> Reason | None:
        """Groups that nobody stated are no groups (semantics §2)."""
        if self.idps and identity.idp not in self.idps:
            return Reason.PATH_NOT_ALLOWED
        if not self.groups:
            return None
        if identity.groups is NOT_STATED:
            return Reason.NOT_STATED
        return Reason.PATH_NOT_ALLOWED if self.groups.isdisjoint(identity.groups) else None


SIGNED_IN: Final = PathRule(path="/*")
"""What holds where no rule does."""


class _Line:
    """A rule made ready for comparing. `folded` is its path in lower case without `*` and without a slash at the end."""

    __slots__ = ("folded", "folder", "is_prefix", "methods", "rule", "strict", "written")

    def __init__(self, rule: PathRule) -> None:
        self.rule = rule
        self.strict = replace(rule, is_optional=False) if rule.is_optional else rule
        self.is_prefix = rule.path.endswith("/*")
        self.written = rule.path.removesuffix("*").encode("ascii")
        self.folded = self.written.lower().rstrip(b"/")
        self.folder = self.folded + b"/"
        self.methods = rule.methods | {b"HEAD"} if b"GET" in rule.methods else rule.methods

    def covers(self, folded: bytes, method: bytes) -> bool:
        if self.methods and method not in self.methods:
            return False
        if self.is_prefix and folded.startswith(self.folder):
            return True
        return folded in (self.folded, self.folder)

    def is_spelled(self, path: bytes) -> bool:
        """Whether the path is written exactly as the rule has it."""
        if self.is_prefix:
            return path.startswith(self.written) or path == self.written[:-1]
        return path == self.written

    def for_path(self, path: bytes) -> PathRule:
        return self.rule if self.is_spelled(path) and is_open_spelling(path) else self.strict


@dataclass(frozen=True, slots=True)
class PathRules:
    """The rules in the operator's order; false when there are none."""

    rules: tuple[PathRule, ...] = ()
    _lines: tuple[_Line, ...] = field(init=False, repr=False, compare=False)
    _has_methods: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lines", tuple(_Line(rule) for rule in self.rules))
        object.__setattr__(self, "_has_methods", any(rule.methods for rule in self.rules))

    def __bool__(self) -> bool:
        return bool(self.rules)

    def rule_of(self, request: Request) -> PathRule | None:
        """The rule that holds, by the table above; None when nobody can say."""
        path, method = request.path, request.method
        others = overriding(request) if self._has_methods else ()
        if others:
            line, is_agreed = self._agreed(readings(path), (method, *others))
            strict = SIGNED_IN if line is None else line.strict
            return strict if is_agreed else None
        if is_plain(path):
            line = self._first(path.lower(), method)
        else:
            line, is_agreed = self._agreed(readings(path), (method,))
            if not is_agreed:
                return None
        return SIGNED_IN if line is None else line.for_path(path)

    def _agreed(self, paths: frozenset[bytes] | None, methods: Iterable[bytes]) -> tuple[_Line | None, bool]:
        """The one line that all readings lead to, and whether there is one such answer."""
        lines = {self._first(path.lower(), method) for path in paths or () for method in methods}
        return (lines.pop(), True) if len(lines) == 1 else (None, False)

    def _first(self, folded: bytes, method: bytes) -> _Line | None:
        return next((line for line in self._lines if line.covers(folded, method)), None)


NO_RULES: Final = PathRules()
