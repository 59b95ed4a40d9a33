"""From `paths` in the settings to the gate's rules per path, and to what they may demand of a sign-in."""

from proxy.gate.paths import AnswerAs, PathRule, PathRules
from proxy.identity import GroupName, IdpId
from proxy.session.step_up import Demand
from proxy.settings import paths
from proxy.settings.model import Settings


def path_rules(settings: Settings) -> PathRules:
    """The operator's rules, in their order."""
    return PathRules(tuple(_rule(rule) for rule in settings.paths))


def demands(settings: Settings) -> frozenset[Demand]:
    """Everything that any path demands of a sign-in."""
    return frozenset(demand for rule in settings.paths if (demand := _demand(rule)) is not None)


def _rule(rule: paths.PathRule) -> PathRule:
    return PathRule(
        path=rule.path,
        methods=frozenset(method.encode("ascii") for method in rule.methods),
        answer=AnswerAs(rule.answer),
        groups=frozenset(GroupName(name) for name in rule.groups),
        idps=frozenset(IdpId(name) for name in rule.idps),
        demand=_demand(rule),
        is_optional=rule.identity == "optional",
    )


def _demand(rule: paths.PathRule) -> Demand | None:
    if not rule.acr_values and rule.max_age is None:
        return None
    max_age = None if rule.max_age is None else int(rule.max_age)
    return Demand(acr_values=rule.acr_values, max_age=max_age)
