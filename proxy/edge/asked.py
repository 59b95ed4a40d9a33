"""An exchange that is a question of another proxy (`forward_auth`): asked of the gate as the request itself would be."""

from typing import TYPE_CHECKING, Final, assert_never

from proxy.edge.forward_auth import Asking, Dialect, disagreement, plainly, refused, untrusted
from proxy.gate.decision import Admit, Deny, Open, Own, SignIn, Verdict
from proxy.reasons import Reason

if TYPE_CHECKING:
    from proxy.edge.exchange import Exchange

_IN_VAIN: Final = frozenset((Reason.UNTRUSTED_PROXY, Reason.PROXY_UNCLEAR))
"""Not the client's fault: what the operator is told of."""


def ask(exchange: "Exchange", asking: Asking, dialect: Dialect) -> None:
    """Answers at once when the gate knows: no task, nothing awaited."""
    question = exchange.request
    if not exchange.client.is_trusted:
        _say_no(exchange, untrusted(question), dialect)
        return
    about = asking.about(question, dialect)
    if isinstance(about, Deny):
        _say_no(exchange, about, dialect)
        return
    exchange.request = about
    verdict = exchange.plane.gate.decide_now(about)
    if verdict is not None:
        _carry_out(exchange, asking, verdict, dialect)
        return

    async def decide() -> None:
        _carry_out(exchange, asking, await exchange.plane.gate.decide(about), dialect)

    exchange.run(decide)


def _carry_out(exchange: "Exchange", asking: Asking, verdict: Verdict, dialect: Dialect) -> None:
    match verdict:
        case Admit() | Open() | Own():
            if dialect is Dialect.REFUSAL:
                _say_no(exchange, disagreement(exchange.request), dialect)
            else:
                _say_yes(exchange, asking, verdict, dialect)
        case SignIn() | Deny():
            _say_no(exchange, verdict, dialect)
        case _:
            assert_never(verdict)


def _say_yes(exchange: "Exchange", asking: Asking, verdict: Admit | Open | Own, dialect: Dialect) -> None:
    figures = exchange.plane.figures
    if isinstance(verdict, Admit):
        exchange.session = verdict.session
        figures.admitted += 1
    else:
        figures.opened += 1
    exchange.give(asking.allowed(exchange.request, verdict, dialect))


def _say_no(exchange: "Exchange", verdict: SignIn | Deny, dialect: Dialect) -> None:
    plane, told = exchange.plane, plainly(verdict, dialect)
    exchange.count(told)
    if told.reason in _IN_VAIN:
        plane.asked_in_vain(exchange.client.peer, told.reason)
    own = plane.answers.answer(told, exchange.request, None)
    exchange.give(refused(told, own, dialect))
