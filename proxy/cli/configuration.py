"""The configuration that a command was given, with its warnings told."""

import sys
from argparse import Namespace
from pathlib import Path

from proxy.settings.load import load
from proxy.settings.model import Settings
from proxy.settings.overrides import environment


def configured(args: Namespace) -> Settings:
    """The settings of `--config`; warnings go to standard error. Raises SettingsError with every mistake."""
    path: Path = args.config
    settings = load(path, environment())
    for warning in settings.warnings:
        print(f"{path}: warning: {warning}", file=sys.stderr)
    return settings
