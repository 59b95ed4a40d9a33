"""Configurations for tests: the smallest that is served, and what is wrong with a broken one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy.errors import SettingsError
from proxy.settings.load import from_mapping, parse
from proxy.settings.model import Settings
from proxy.settings.upstream import Upstream

IDP: Mapping[str, Any] = {"id": "corp", "issuer": "https://idp.example.com", "client_id": "muster"}

MINIMAL = """\
public_url: https://app.example.com
upstream: {url: http://127.0.0.1:3000}
idps:
  - {id: corp, issuer: https://idp.example.com, client_id: muster}
joining: {domains: [example.com]}
app: {preset: demo, url: http://127.0.0.1:3001}
"""


def minimal(**changes: Any) -> dict[str, Any]:
    """A configuration that is served without a warning, with top-level sections replaced; None leaves one out."""
    tree: dict[str, Any] = {
        "public_url": "https://app.example.com",
        "upstream": {"url": "http://127.0.0.1:3000"},
        "idps": [dict(IDP)],
        "joining": {"domains": ["example.com"]},
        "app": {"preset": "demo", "url": "http://127.0.0.1:3001"},
    } | changes
    return {name: value for name, value in tree.items() if value is not None}


def settings_of(folder: Path, environ: Mapping[str, str] | None = None, **changes: Any) -> Settings:
    """The settings of `minimal`."""
    return from_mapping(minimal(**changes), folder=folder, environ=environ or {})


def upstream_of(folder: Path, **upstream: Any) -> Upstream:
    """The settings of an upstream so written."""
    found = settings_of(folder, upstream=upstream).upstream
    assert found is not None, "it is written"
    return found


def mistakes_of(folder: Path, environ: Mapping[str, str] | None = None, **changes: Any) -> dict[str, str]:
    """What is wrong with `minimal` so changed: sentences by path; empty when nothing is."""
    try:
        settings_of(folder, environ, **changes)
    except SettingsError as error:
        return {problem.path: problem.message for problem in error.problems}
    return {}


def mistakes_in(text: str, folder: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with a YAML text, each as `muster check` prints it."""
    try:
        parse(text, folder=folder, environ=environ or {})
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    return []
