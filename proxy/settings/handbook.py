"""`docs/settings.md`: the settings as tables for people, and how a configuration is read."""

from collections.abc import Iterator
from typing import Final

from proxy.settings.document import dotted
from proxy.settings.outline import COMPUTED, REQUIRED, Entry, entries
from proxy.settings.overrides import variable_of
from proxy.settings.reference import flow

_HEAD: Final = """\
# Settings

<!-- Generated from the models in proxy/settings: change those and run `make generated`. -->

One YAML file, given with `-c`. `muster check -c FILE` names every mistake in one go, with its path and line, and exits with 2.
Every setting with its default as YAML: [config/reference.yaml](../config/reference.yaml); a JSON schema for editors:
[config/schema.json](../config/schema.json); configurations to start from: [config/examples](../config/examples).

- **Durations** carry a unit: `500ms`, `30s`, `5m`, `1h30m`, `7d`. **Sizes** too: `512B`, `8KiB`, `1MiB`.
- **Paths** that are relative start in the configuration file's folder.
- **Secrets** are never written into the file: `{file: PATH}` names a file that holds nothing else, `{env: NAME}` a variable
  of the environment. A secret's file is read again when it changes, so a rotated secret needs no restart; everything else is
  read once.
- **The environment** can set any single value: `MUSTER__LIMITS__DRAIN_TIMEOUT=5s` stands for `limits: {drain_timeout: 5s}`.
  Two underscores divide the steps, an item of a list is named by its number from 0 (`MUSTER__IDPS__0__CLIENT_ID`), `null`
  clears a setting that may be absent, and a variable wins over the file. A variable that begins with `MUSTER__` and names
  no setting is a mistake.
- `MUSTER_DEBUG=1` shows where a bug happened; without it a bug shows an id only.
- YAML 1.2: only `true` and `false` are truth values. Anchors and aliases work, merge keys (`<<`) do not.
"""


def render_handbook() -> str:
    """The page's text."""
    top = [entry for entry in entries() if entry.section is None]
    parts = [_HEAD, _part("Top level", "", "", iter(top))]
    parts += [_section(entry) for entry in entries() if entry.section is not None]
    return "\n".join(parts)


def _section(entry: Entry) -> str:
    """One part for a section, followed by those of the sections inside it."""
    assert entry.section is not None
    place = dotted(entry.loc) + ("[]" if entry.is_list else "")
    inner = list(entries(entry.section, (*entry.loc, 0) if entry.is_list else entry.loc, entry.default))
    example = next((one for one in inner if one.section is None and "section" not in one.kind), None)
    variable = f"In the environment: `{variable_of(example.loc)}`." if example else ""
    own = _part(f"`{place}`", entry.description, variable, (one for one in inner if one.section is None))
    return "\n".join([own, *(_section(one) for one in inner if one.section is not None)])


def _part(title: str, description: str, variable: str, some: Iterator[Entry]) -> str:
    rows = [
        f"| `{entry.name}` | {_kind(entry)} | {_default(entry)} | {_cell(entry.description)} |"
        for entry in some
    ]
    head = ["| setting | written as | default | meaning |", "|---|---|---|---|"]
    prose = " ".join(text for text in (description, variable) if text)
    table = [*head, *rows] if rows else []
    return "\n".join([f"## {title}", "", *([prose, ""] if prose else []), *table, ""])


def _kind(entry: Entry) -> str:
    return _cell(entry.kind)


def _default(entry: Entry) -> str:
    if entry.default is REQUIRED:
        return "required"
    if entry.default is COMPUTED:
        return "see right"
    return f"`{flow(entry.default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
