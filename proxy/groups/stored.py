"""What operators rule at run time, beside the configuration, and what holds of both together.

| configuration | stored | what holds |
|---|---|---|
| a link for an app group | a link for the same app group | the configuration's; the stored one is kept and shown as overruled |
| none | a link | the stored one |
| deny list | deny entries | whoever is on either |
| provisioning on | switched off | off |
| provisioning off | anything | off |
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from proxy.groups.links import normal
from proxy.groups.rules import AppGroupName, GroupRules, JoinRules, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who ruled so, and when (seconds since the epoch)."""

    by: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLink:
    """A link that was made by command."""

    link: Link
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDenial:
    """Somebody who may not join: an e-mail address (lower-cased) or `issuer subject`."""

    who: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The run-time switch of semantics §4.5."""

    is_on: bool
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """Everything that is stored. `version` grows with each change; `provisioning` is None where nobody switched it."""

    version: int = 0
    links: tuple[StoredLink, ...] = ()
    denials: tuple[StoredDenial, ...] = ()
    provisioning: Switch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedLink:
    """A link and where it comes from: `origin` is None for the configuration. An overruled one has no effect."""

    link: Link
    origin: Origin | None = None
    is_overruled: bool = False


def all_links(rules: GroupRules, ruled: Ruled) -> tuple[SourcedLink, ...]:
    """The configuration's links, then the stored ones, by the app group's name. `rules` are the configuration's alone."""
    configured = {normal(link.app_group) for link in rules.links}
    stored = (
        SourcedLink(link=one.link, origin=one.origin, is_overruled=normal(one.link.app_group) in configured)
        for one in ruled.links
    )
    every = (*(SourcedLink(link=link) for link in rules.links), *stored)
    return tuple(sorted(every, key=lambda one: (one.link.app_group, one.origin is not None)))


def configured_link(rules: GroupRules, group: AppGroupName) -> Link | None:
    """The configuration's link of an app group, which no stored one replaces."""
    return next((link for link in rules.links if normal(link.app_group) == normal(group)), None)


def stored_link(ruled: Ruled, group: AppGroupName) -> StoredLink | None:
    """The stored link of an app group."""
    return next((one for one in ruled.links if normal(one.link.app_group) == normal(group)), None)


def effective_groups(rules: GroupRules, ruled: Ruled) -> GroupRules:
    """The configuration's rules with the stored links that it does not overrule."""
    added = tuple(one.link for one in ruled.links if configured_link(rules, one.link.app_group) is None)
    return replace(rules, links=(*rules.links, *added)) if added else rules


def effective_join(rules: JoinRules, ruled: Ruled) -> JoinRules:
    """The configuration's rules with the stored deny entries."""
    return replace(rules, deny=rules.deny | denied(ruled.denials)) if ruled.denials else rules


def effective_switch(is_configured_on: bool, ruled: Ruled) -> bool:
    """Whether anybody may be created or restored."""
    return is_configured_on and (ruled.provisioning is None or ruled.provisioning.is_on)


def denied(denials: Iterable[StoredDenial]) -> frozenset[str]:
    return frozenset(one.who for one in denials)
