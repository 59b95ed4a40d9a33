"""The app's own groups, as `muster groups link` and `create` meet them: a missing one is said, none is taken over."""

from typing import Final

from proxy.cli.desk import Desk, own_courier, refusal
from proxy.groups.links import normal
from proxy.groups.rules import AppGroupName, Missing
from proxy.groups.stored import stored_link
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.kit import Journal, Kit
from proxy.provisioning.model import Because, CreateGroup, Step
from proxy.provisioning.performing import Performer
from proxy.reasons import Reason

_UNTIL: Final = {
    Missing.IGNORE: "nobody is put into it until the app has it (groups.missing: ignore)",
    Missing.CREATE: "it is made when the first person belongs in it (groups.missing: create)",
    Missing.ERROR: "whoever belongs in it is parked until the app has it (groups.missing: error)",
}


def named(desk: Desk, written: str, *, is_new: bool = False) -> AppGroupName:
    """The group without white space around its name. Raises SettingsError for an empty one.

    A link that is stored just as it was written keeps its name, so that it can be taken out.
    """
    exact = AppGroupName(normal(written))
    if not is_new and stored_link(desk.effective.ruled, exact) is not None:
        return exact
    group = AppGroupName(exact.strip())
    if not group:
        raise refusal("the app's group needs a name: an empty one is nobody's")
    return group


async def missing_word(desk: Desk, group: AppGroupName) -> str | None:
    """What is to be said of a link to a group that the app does not have; None where it has it, or nobody can tell."""
    if desk.settings.app is None:
        return None
    async with own_courier(desk) as courier:
        capabilities = courier.kit.app.capabilities
        if not capabilities.can_list_groups:
            return None
        has_it = await _has(courier.kit, group)
    match has_it:
        case True:
            return None
        case str() as detail:
            return f"the app could not be asked whether it has a group {group!r}: {detail}"
        case _:
            missing = desk.effective.groups.missing
            cannot = missing is Missing.CREATE and not capabilities.can_create_group
            until = "this app's API makes no groups: make it there" if cannot else _UNTIL[missing]
            return f"the app has no group {group!r}: {until}"


async def make(desk: Desk, group: AppGroupName) -> str | None:
    """Makes the group in the app, with an audit record; else why not. Raises SettingsError where no app is configured."""
    async with own_courier(desk) as courier:
        kit = courier.kit
        if refusal := _may_not_make(kit, group):
            return refusal
        has_it = await _has(kit, group)
        if has_it is True:
            return (
                f"the app has a group {group!r} already, and none is taken over: "
                f"to tie that one, muster groups link {group!r}"
            )
        if isinstance(has_it, str):
            return f"nothing was made: {has_it}"
        because = Because(reason=Reason.PLANNED, about=group, cause="muster groups create")
        step = Step(operation=CreateGroup(name=group), because=because)
        made = await Performer(kit, Journal(kit, None)).call(step, None)
        return f"nothing was made: {made.detail}" if isinstance(made, AppTrouble | AppRefusal) else None


def _may_not_make(kit: Kit, group: AppGroupName) -> str | None:
    able = kit.app.capabilities
    if able.can_create_group and able.can_list_groups:
        return None
    lack = "makes no groups" if able.can_list_groups else "does not list its groups"
    return f"this app's API {lack}: make {group!r} there, then muster groups link {group!r}"


async def _has(kit: Kit, group: AppGroupName) -> bool | str:
    """Whether the app has it; the app's answer in words where it does not say."""
    listed = await kit.view.groups()
    if isinstance(listed, AppTrouble | AppRefusal):
        return listed.detail
    return any(one.name == group for one in listed)
