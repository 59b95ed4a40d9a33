"""`muster check`: every mistake of a configuration, and what the app's admin API can do."""

from argparse import Namespace

from proxy.app.client_files import check_client_files
from proxy.apps.capabilities import capabilities_table, standing_of
from proxy.apps.preset import Preset
from proxy.cli.configuration import configured
from proxy.cli.preset import chosen_preset
from proxy.cli.table import print_table


def run(args: Namespace) -> int:
    """Look at the configuration; asks nobody over the network. Raises SettingsError with every mistake."""
    settings = configured(args)
    check_client_files(settings)
    preset = chosen_preset(settings, args.config)
    if args.app:
        _show(preset)
    print(f"{args.config}: no mistake found")
    return 0


def _show(preset: Preset | None) -> None:
    if preset is None:
        print("no app is configured: only headers are sent")
        return
    print(f"{preset.app}: what its admin API can do. {standing_of(preset)}")
    rows = capabilities_table(preset)
    print_table(
        ("", "can", "that means"), [(row.what, "yes" if row.is_possible else "no", row.means) for row in rows]
    )
