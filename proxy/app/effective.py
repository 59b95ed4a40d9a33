"""What holds now: the configuration together with what operators ruled at run time. One small holder, read at every use."""

from dataclasses import replace

from proxy.app import rules
from proxy.groups.evaluate import admit
from proxy.groups.rules import GroupRules, JoinRules
from proxy.groups.stored import Ruled, effective_groups, effective_join, effective_switch
from proxy.identity import Identity
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from proxy.settings.model import Settings


class Effective:
    """`groups`, `join` and `is_provisioning_on` are replaced whole when something new is adopted; nobody keeps a copy."""

    def __init__(self, settings: Settings, ruled: Ruled | None = None) -> None:
        self._configured_groups = rules.group_rules(settings)
        self._configured_join = rules.join_rules(settings)
        self._is_configured_on = settings.joining.provisioning
        self.adopt(ruled or Ruled())

    def adopt(self, ruled: Ruled) -> None:
        """From now on this is ruled."""
        self.ruled = ruled
        self.groups: GroupRules = effective_groups(self._configured_groups, ruled)
        self.join: JoinRules = effective_join(self._configured_join, ruled)
        self.is_provisioning_on: bool = effective_switch(self._is_configured_on, ruled)

    @property
    def configured_groups(self) -> GroupRules:
        """The configuration's rules alone."""
        return self._configured_groups

    @property
    def configured_join(self) -> JoinRules:
        """The configuration's rules alone."""
        return self._configured_join

    @property
    def is_configured_on(self) -> bool:
        """What the configuration alone says of provisioning."""
        return self._is_configured_on

    def admit(self, identity: Identity) -> Reason | None:
        """Why this statement alone keeps somebody out now."""
        return admit(identity, self.join)

    def applied_to(self, courier: CourierRules) -> CourierRules:
        """A courier's rules with what holds now in place of what held."""
        return replace(
            courier,
            link=replace(courier.link, join=self.join),
            groups=self.groups,
            is_provisioning_on=self.is_provisioning_on,
        )
