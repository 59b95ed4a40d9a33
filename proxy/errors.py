"""The exceptions of the program, by whose fault they are.

    MusterError
    ├── SettingsError   the operator's: every mistake of a configuration; exit 2 before listening
    ├── NotTrusted      the client's: a request that proves nothing; 400 or 401 and a code
    └── Unavailable     somebody else's: a store or partner that does not answer; 502 or 503

Whatever else is raised is a bug: 500, an id, nothing shown. Expected outcomes (a refusal, an IdP that says no,
an app in trouble) are values, not exceptions.
"""

from dataclasses import dataclass


class MusterError(Exception):
    """Root of the tree; never raised itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake of a configuration: where it stands, what is wrong and what to do."""

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        return f"{where}{self.path}: {self.message}" if self.path else f"{where}{self.message}"


class SettingsError(MusterError):
    """A configuration that cannot be served; carries every mistake found in one go."""

    def __init__(self, problems: tuple[Problem, ...], *, source: str = "") -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems
        self.source = source


class NotTrusted(MusterError):
    """A request whose proof does not hold. `code` is all that is ever shown or logged of the reason."""

    def __init__(self, code: str, *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class Unavailable(MusterError):
    """A store or partner that does not answer now. `retry_after` is in seconds."""

    def __init__(self, reason: str, *, retry_after: int = 5, status: int = 503) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.status = status
