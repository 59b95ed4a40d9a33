"""Redis's errors as sentences, by what is to be done about them. Never a traceback, a value or a password to anybody.

Fault            what the server or the network said
├── Lost         no connection, or it broke while something was asked: nothing was written
├── Unknown      the connection broke after a write was sent: it was done, or it was not
├── Elsewhere    nothing was done here: another server is master now, or this one is not ready
└── Refused      nothing was done, and asking again does not help until somebody changes the server
"""

from typing import Final

from redis import exceptions

from proxy.errors import Problem, SettingsError, Unavailable

SETTING: Final = "store.redis"

_ELSEWHERE: Final = {
    "READONLY": "the server is a replica now",
    "MOVED": "the Cluster moved our slot",
    "ASK": "the Cluster is moving our slot",
    "TRYAGAIN": "the Cluster is moving our slot",
    "CLUSTERDOWN": "the Cluster is down",
    "LOADING": "the server is loading its data",
    "MASTERDOWN": "the server has lost its master",
    "BUSY": "the server is busy with a script",
    "NOREPLICAS": "the server has too few replicas in step",
    "FAILOVER": "the server hands over to a replica",
}
_REFUSED: Final = {
    "NOAUTH": "the server asks for a password: set store.redis.password",
    "WRONGPASS": "the user name or password is wrong",
    "NOPERM": "the user may not do what Muster needs (docs/operations.md names the rights)",
    "OOM": "its memory is full",
    "MISCONF": "it cannot write to its disk",
    "CROSSSLOT": "it is a Cluster and our keys are not in one slot",
    "DENIED": "it is in protected mode",
}


class Fault(Exception):
    """What kept a call from being done; `sentence` is what an operator may read."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Lost(Fault):
    """There is no connection, or it broke; nothing was written."""


class Unknown(Fault):
    """The connection broke after a write was sent."""


class Elsewhere(Fault):
    """Nothing was done: look for the master again."""


class Refused(Fault):
    """Nothing was done, and nothing will be before somebody changes the server or the settings."""


def fault_of(error: Exception) -> Fault:
    """The library's or the network's error as one of ours."""
    if isinstance(error, Fault):
        return error
    code = _code(error)
    if code in _ELSEWHERE:
        return Elsewhere(_ELSEWHERE[code])
    if code in _REFUSED:
        return Refused(_REFUSED[code])
    if isinstance(error, exceptions.ResponseError):
        return Refused(f"it answers with an error ({code or 'without a code'})")
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError):
        return Refused(_REFUSED["WRONGPASS"])
    return Lost(_network(error))


def unavailable(sentence: str) -> Unavailable:
    """The sentence as what callers of a port expect."""
    return Unavailable(f"the store cannot be used: {sentence}")


def refusal(where: object, what: str) -> SettingsError:
    """A store that cannot be opened: a sentence for the operator, before listening."""
    message = f"the store {where} cannot be used: {what}"
    return SettingsError((Problem(path=SETTING, line=None, message=message),))


def _code(error: Exception) -> str:
    """The server's error code; empty for what no server said."""
    known: str | None = getattr(error, "status_code", None)
    word = str(error).split(" ", 1)[0].lstrip("-")
    return known or (word if isinstance(error, exceptions.ResponseError) and word.isupper() else "")


def _network(error: Exception) -> str:
    """What the network said. The library's own words may hold an address, never a secret; the system's are taken instead."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return f"it cannot be reached ({cause.strerror.lower()})"
        cause = cause.__cause__ or cause.__context__
    return "the connection to it broke"
