"""`python -m proxy.settings.generate [--check]`: writes the files that follow from the settings, or finds them out of date."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from proxy.settings.handbook import render_handbook
from proxy.settings.reference import render_reference
from proxy.settings.shape import schema


def generated() -> dict[str, str]:
    """Every generated file's text, by its path in the tree."""
    return {
        "config/reference.yaml": render_reference(),
        "config/schema.json": render_schema(),
        "docs/settings.md": render_handbook(),
    }


def render_schema() -> str:
    """The JSON schema (2020-12) of a configuration file."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Muster's configuration"}
    return json.dumps({**schema(), **head}, indent=2, ensure_ascii=False) + "\n"


def outdated(root: Path) -> tuple[str, ...]:
    """The generated files under `root` that do not say what the settings say."""
    return tuple(path for path, text in generated().items() if _text(root / path) != text)


def main(argv: Sequence[str], root: Path = Path()) -> int:
    """Write, or with `--check` compare: 1 when something is out of date."""
    stale = outdated(root)
    if list(argv) == ["--check"]:
        for path in stale:
            print(f"{path} is out of date: run `make generated`", file=sys.stderr)
        return 1 if stale else 0
    texts = generated()
    for path in stale:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(texts[path], encoding="utf-8")
        print(f"wrote {path}")
    return 0


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
