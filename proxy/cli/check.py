"""`muster check`: every mistake of a configuration, and what the app's admin API can do."""

import sys
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from proxy.app.certificates import certificate_doubts, listener_tls
from proxy.app.client_files import check_client_files
from proxy.app.upstreams import check_upstream_files
from proxy.apps.capabilities import capabilities_table, standing_of
from proxy.apps.preset import Preset
from proxy.cli.configuration import configured
from proxy.cli.desk import print_json
from proxy.cli.preset import check_protected, chosen_preset
from proxy.cli.table import print_table
from proxy.errors import SettingsError


def run(args: Namespace) -> int:
    """Look at the configuration; asks nobody over the network. Raises SettingsError with every mistake; with `--json` it is 2."""
    try:
        return _look(args)
    except SettingsError as error:
        if not args.json:
            raise
        print_json({"mistakes": [asdict(problem) for problem in error.problems]})
        return 2


def _look(args: Namespace) -> int:
    settings = configured(args)
    check_client_files(settings)
    check_upstream_files(settings)
    listener_tls(settings)
    for doubt in certificate_doubts(settings):
        print(f"{args.config}: warning: tls.certificate: {doubt}", file=sys.stderr)
    preset = chosen_preset(settings, args.config)
    check_protected(settings, preset, args.config)
    if args.json:
        print_json({"mistakes": [], **({"app": _document(preset)} if args.app else {})})
        return 0
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


def _document(preset: Preset | None) -> dict[str, Any] | None:
    """The same for programs; None where no app is configured."""
    if preset is None:
        return None
    return {
        "app": preset.app,
        "version": preset.version,
        "status": preset.status,
        "standing": standing_of(preset),
        "can": [asdict(row) for row in capabilities_table(preset)],
    }
