"""What an app can do, told to an operator."""

from pathlib import Path

from proxy.apps.capabilities import capabilities_of, capabilities_table
from proxy.apps.preset import Preset
from proxy.apps.preset_file import load_preset
from proxy.provisioning.app_admin import Capabilities, NameLimits
from tests.unit.apps.test_preset import WHOLE


def test_redmine_can_do_everything() -> None:
    preset = load_preset("redmine", Path())
    assert all(row.is_possible for row in capabilities_table(preset))
    assert capabilities_of(preset) == Capabilities(
        can_create_group=True,
        can_set_role=True,
        can_set_profile=True,
        can_read_self=True,
        can_list_accounts=True,
        name_limits=NameLimits(first_name=30, last_name=30),
        archive_means="locked: cannot sign in, keeps issues, memberships and history",
    )


def test_what_a_preset_does_not_say_cannot_be_done_and_the_table_says_what_follows() -> None:
    preset = Preset.model_validate(
        {**WHOLE, "archive": None, "restore": None, "archive_means": "there is only deletion"}
    )
    assert capabilities_of(preset) == Capabilities(
        can_create=False,
        can_archive=False,
        can_list_groups=False,
        can_change_groups=False,
        can_list_members=False,
        archive_means="there is only deletion",
    )
    rows = {row.what: row for row in capabilities_table(preset)}
    assert (
        rows["archive accounts"].means
        == "there is only deletion; the gate refuses whoever left, and linked groups are left"
    )
    assert rows["read its own account"].means == "list the admin's login under `protected`"
    assert all(row.means for row in rows.values() if not row.is_possible)
