"""What an app's API can do, as its preset says, and the table that `muster check --app` prints."""

from dataclasses import dataclass

from proxy.apps.preset import Preset
from proxy.provisioning.app_admin import Capabilities, NameLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityRow:
    """One line of the table: what is asked, whether the app can, and what that means for whoever operates it."""

    what: str
    is_possible: bool
    means: str


def capabilities_of(preset: Preset) -> Capabilities:
    return Capabilities(
        can_create=preset.create is not None,
        can_archive=preset.archive is not None,
        can_list_groups=preset.groups is not None,
        can_create_group=preset.create_group is not None,
        can_change_groups=preset.join is not None and preset.leave is not None,
        can_set_role=preset.set_role is not None,
        can_set_profile=preset.set_profile is not None,
        can_read_self=preset.whoami is not None,
        can_edit_archived=preset.can_edit_archived,
        can_list_members=preset.members is not None,
        can_list_accounts=preset.accounts is not None,
        name_limits=NameLimits(
            name=preset.limits.name,
            first_name=preset.limits.first_name,
            last_name=preset.limits.last_name,
        ),
        archive_means=preset.archive_means,
    )


def standing_of(preset: Preset) -> str:
    """How far the preset may be relied on, in a sentence."""
    if preset.status == "verified":
        return f"Verified against {preset.app} {preset.version}."
    return (
        f"UNVERIFIED: written from the documentation of {preset.app} {preset.version}, never run against it;"
        " try it on a test instance first."
    )


def capabilities_table(preset: Preset) -> tuple[CapabilityRow, ...]:
    """A row for each thing that may be asked of the app, in the order of a person's life in it."""
    can = capabilities_of(preset)
    return (
        _row("create accounts", can.can_create, "", "newcomers must be made by hand"),
        _row("archive accounts", can.can_archive, can.archive_means, _without_archive(can)),
        _row("change archived accounts", can.can_edit_archived, "", "groups follow after the restore"),
        _row(
            "change names and addresses",
            can.can_set_profile,
            "",
            "they stay as they were when the account was made",
        ),
        _row("set roles", can.can_set_role, _roles(preset), "roles are given by hand"),
        _row("list groups", can.can_list_groups, "", "no group can be linked"),
        _row("create groups", can.can_create_group, "", "groups are made by hand"),
        _row("change who is in a group", can.can_change_groups, "", "groups are not followed"),
        _row("list who is in a group", can.can_list_members, "", "people nobody vouched for are not seen"),
        _row(
            "list accounts",
            can.can_list_accounts,
            "",
            "each is read for itself; seats are counted by bindings",
        ),
        _row("read its own account", can.can_read_self, "", "list the admin's login under `protected`"),
    )


def _row(what: str, is_possible: bool, means: str, otherwise: str) -> CapabilityRow:
    return CapabilityRow(what=what, is_possible=is_possible, means=means if is_possible else otherwise)


def _without_archive(can: Capabilities) -> str:
    return f"{can.archive_means}; the gate refuses whoever left, and linked groups are left"


def _roles(preset: Preset) -> str:
    return ", ".join(preset.set_role.values) if preset.set_role else ""
