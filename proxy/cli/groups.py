"""`muster groups`: the links between IdP groups and app groups, those of the configuration and those made by command."""

from argparse import Namespace
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from proxy.cli import push
from proxy.cli.app_groups import make, missing_word, named
from proxy.cli.carrying import HEAD_START, ruling_heard
from proxy.cli.desk import Desk, at_desk, moment, operator, print_json, refusal, say
from proxy.cli.store import now
from proxy.cli.table import print_table
from proxy.groups.links import normal
from proxy.groups.rules import AppGroupName, Link, LinkMode
from proxy.groups.stored import Ruled, SourcedLink, all_links, configured_link, stored_link
from proxy.identity import GroupName, IdpId
from proxy.provisioning.guard import link_scope
from proxy.provisioning.holding import end_unlinked
from proxy.settings.people import split_names

_MODES: Final = {
    "observe": (LinkMode.OBSERVE, "is only observed: what would change is in the audit, nothing changes"),
    "deactivate": (LinkMode.OFF, "is left alone: its members stay as they are"),
    "activate": (LinkMode.ACTIVE, "follows its IdP groups again"),
}


def run(args: Namespace) -> int:
    """0 when done; 1 when the link is the configuration's, there is none, or a group cannot be made. Raises SettingsError."""
    if args.action == "push":
        return push.run(args)
    if args.action == "list":
        return at_desk(args, lambda desk: _list(desk, args))
    return at_desk(args, lambda desk: _change(desk, args))


async def _list(desk: Desk, args: Namespace) -> int:
    links = all_links(desk.effective.configured_groups, desk.effective.ruled)
    if args.json:
        print_json({"links": [_document(one) for one in links]})
    elif not links:
        print("nothing is linked")
    else:
        heads = ("app group", "IdP groups", "of IdP", "mode", "from")
        print_table(heads, [_row(one) for one in links])
    return 0


async def _change(desk: Desk, args: Namespace) -> int:
    group = named(desk, args.app_group, is_new=args.action in ("link", "create"))
    before = _standing(desk.effective.ruled, group)
    if configured_link(desk.effective.configured_groups, group) is not None:
        say(f"the configuration links {group!r}, and it wins: change it there")
        return 1
    if args.action == "create" and (why_not := await _created(desk, group, args)):
        say(why_not)
        return 1
    change: Callable[[Desk, AppGroupName, Namespace], Awaitable[str | None]]
    change = {"link": _link, "create": _link, "unlink": _unlink}.get(args.action, _set_mode)
    done = await change(desk, group, args)
    if done is None:
        say(f"there is no link of {group!r} (muster groups list shows what is linked)")
        return 1
    ruled = await desk.store.rulings.ruled()
    after = _standing(ruled, group)
    await desk.audited("rule", outcome=f"groups {args.action}", app_group=group, before=before, after=after)
    if args.action == "link" and (missing := await missing_word(desk, group)):
        say(missing)
    held = stored_link(ruled, group)
    if args.json:
        link = SourcedLink(link=held.link, origin=held.origin) if held else None
        print_json({"app_group": group, "link": _document(link) if link else None, "version": ruled.version})
    else:
        print(f"{group!r} {done}")
    return 0


def _standing(ruled: Ruled, group: AppGroupName) -> dict[str, Any] | None:
    """A stored link as the audit trail keeps it; None where there is none."""
    held = stored_link(ruled, group)
    if held is None:
        return None
    link = held.link
    return {
        "idp_groups": sorted(link.idp_groups),
        "idps": sorted(link.idps),
        "mode": link.mode.value,
        "by": held.origin.by,
        "at": held.origin.at,
    }


async def _created(desk: Desk, group: AppGroupName, args: Namespace) -> str | None:
    """Makes the group in the app; else why not. Mistakes about the link are found first, so that no group is left without it."""
    _link_of(desk, group, args)
    return await make(desk, group)


async def _link(desk: Desk, group: AppGroupName, args: Namespace) -> str:
    link = _link_of(desk, group, args)
    await desk.store.rulings.put_link(link, operator())
    is_new = "was made in the app, and " if args.action == "create" else ""
    return (
        f"{is_new}is linked to {', '.join(sorted(link.idp_groups))}; a running server follows within a second"
    )


def _link_of(desk: Desk, group: AppGroupName, args: Namespace) -> Link:
    names = _idp_groups(args)
    known = {idp.id for idp in desk.settings.idps}
    if not names:
        raise refusal("name at least one IdP group")
    for idp in args.idp or ():
        if idp not in known:
            raise refusal(f"there is no IdP with the id {idp!r} (there are {', '.join(sorted(known))})")
    return Link(
        app_group=group,
        idp_groups=frozenset(map(GroupName, names)),
        mode=LinkMode.OBSERVE if args.observe else LinkMode.ACTIVE,
        idps=frozenset(map(IdpId, args.idp or ())),
    )


def _idp_groups(args: Namespace) -> list[str]:
    """Several arguments are a list, taken as they are; a single one is split at commas, unless `--exact` says it is a name."""
    given: list[str] = args.idp_groups
    names = split_names(given[0]) if len(given) == 1 and not args.exact else given
    return [name for name in (normal(one).strip() for one in names) if name]


async def _unlink(desk: Desk, group: AppGroupName, args: Namespace) -> str | None:
    if not await desk.store.rulings.remove_link(group):
        return None
    words = "is not linked any more: its members stay as they are"
    if link_scope(group) not in await desk.store.ledger.latched():
        return words
    # A running server ends the latch once no visit of its own goes by the link; where none runs, nobody does.
    await ruling_heard(desk, seconds=HEAD_START)
    desk.effective.adopt(await desk.store.rulings.ruled())
    await end_unlinked(desk.effective.groups, desk.store.outbox, desk.store.ledger, now())
    return f"{words}; what the guard held of it is held no more"


async def _set_mode(desk: Desk, group: AppGroupName, args: Namespace) -> str | None:
    held = stored_link(desk.effective.ruled, group)
    if held is None:
        return None
    mode, words = _MODES[args.action]
    await desk.store.rulings.put_link(replace(held.link, mode=mode), operator())
    return words


def _row(one: SourcedLink) -> tuple[str, ...]:
    where = "configuration" if one.origin is None else f"{one.origin.by}, {moment(one.origin.at)}"
    note = " (overruled by the configuration)" if one.is_overruled else ""
    link = one.link
    names = ", ".join(sorted(link.idp_groups))
    return link.app_group, names, ", ".join(sorted(link.idps)) or "any", link.mode.value, where + note


def _document(one: SourcedLink) -> dict[str, Any]:
    origin = {"by": one.origin.by, "at": one.origin.at} if one.origin else {"by": "configuration"}
    return {
        "app_group": one.link.app_group,
        "idp_groups": sorted(one.link.idp_groups),
        "idps": sorted(one.link.idps),
        "mode": one.link.mode.value,
        "origin": origin,
        "is_overruled": one.is_overruled,
    }
