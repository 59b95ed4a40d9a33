"""Mistakes of an operator: every one in a sentence with its place, exit code 2, and nothing listens."""

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.e2e.program import ROOT, choose_ports
from tests.fakes.processes import Child

PORTS = choose_ports()


def good(folder: Path) -> dict[str, Any]:
    """A configuration that would be served, were its app and IdP there."""
    (folder / "idp.secret").write_text("secret\n")
    (folder / "app.token").write_text("token\n")
    return {
        "listen": f"127.0.0.1:{PORTS.public}",
        "public_url": PORTS.public_url,
        "upstream": {"url": "http://127.0.0.1:9"},
        "idps": [
            {
                "id": "corp",
                "issuer": "http://127.0.0.1:9",
                "client_id": "muster",
                "client_secret": {"file": "idp.secret"},
            }
        ],
        "joining": {"domains": ["example.com"]},
        "app": {
            "preset": "demo",
            "url": "http://127.0.0.1:9",
            "credentials": {"token": {"file": "app.token"}},
        },
    }


async def refusal(folder: Path, config: dict[str, Any] | str) -> str:
    """What `muster serve` says about it. It must end with 2, quickly, with nothing on standard output and no traceback."""
    file = folder / "muster.yaml"
    if isinstance(config, str):
        file.write_text(config)
    else:
        YAML(typ="safe", pure=True).dump(config, file)
    with Child(
        "muster", [sys.executable, "-m", "proxy", "serve", "-c", str(file)], folder=folder, cwd=ROOT
    ) as child:
        assert await child.ended() == 2, child.err
        assert "Traceback" not in child.err
        assert "listening" not in child.out + child.err
        return child.err


def change(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def apply(config: dict[str, Any]) -> None:
        at: Any = config
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = to

    return apply


def drop(*path: str | int) -> Callable[[dict[str, Any]], None]:
    def apply(config: dict[str, Any]) -> None:
        at: Any = config
        for step in path[:-1]:
            at = at[step]
        del at[path[-1]]

    return apply


MISTAKES = [
    (drop("public_url"), ["public_url"]),
    (change("public_url", to="http://redmine.example.com"), ["public_url", "insecure_http"]),
    (change("idps", to=[]), ["idps"]),
    (change("idps", 0, "issuer", to="not a url"), ["idps[0].issuer", "URL"]),
    (change("idps", 0, "client_secret", to={"file": "gone.secret"}), ["client_secret", "gone.secret"]),
    (change("idps", 0, "client_secret", to={"env": "MUSTER_E2E_NOT_SET"}), ["MUSTER_E2E_NOT_SET"]),
    (change("refresh", to={"evry": "1h"}), ["evry", "every"]),
    (change("refresh", to={"every": "an hour"}), ["refresh.every"]),
    (change("app", "preset", to="no-such-app"), ["no-such-app"]),
    (change("app", "credentials", to={}), ["token"]),
    (drop("app"), ["user_claim"]),
    (change("listen", to="127.0.0.1"), ["listen", "host:port"]),
]


@pytest.mark.parametrize(("mistake", "words"), MISTAKES)
async def test_a_mistake_is_named_before_anything_listens(
    tmp_path: Path, mistake: Callable[[dict[str, Any]], None], words: list[str]
) -> None:
    config = good(tmp_path)
    mistake(config)
    said = await refusal(tmp_path, config)
    assert all(word in said for word in words), said


async def test_all_mistakes_are_named_in_one_go_with_their_lines(tmp_path: Path) -> None:
    text = "listen: nowhere\npublic_url: ftp://x\nupstream: {url: 'gopher://app'}\nidps: []\nunknown_key: 1\n"
    said = await refusal(tmp_path, text)
    for line, word in [
        (1, "listen"),
        (2, "public_url"),
        (3, "upstream.url"),
        (4, "idps"),
        (5, "unknown_key"),
    ]:
        assert any(f"line {line}" in one and word in one for one in said.splitlines()), said


@pytest.mark.parametrize("text", ["", "- a\n- list\n", "a: b: c\n", "listen: [\n", "\t- x", "\x00"])
async def test_a_file_that_is_no_configuration_is_one_sentence(tmp_path: Path, text: str) -> None:
    assert len((await refusal(tmp_path, text)).strip().splitlines()) >= 1


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "proxy", "serve", "-c", str(tmp_path / "absent.yaml")]
    with Child("muster", argv, folder=tmp_path, cwd=ROOT) as child:
        assert await child.ended() == 2
        assert "absent.yaml" in child.err
        assert "Traceback" not in child.err


async def test_a_store_that_cannot_be_used(tmp_path: Path) -> None:
    config = good(tmp_path)
    said = await refusal(tmp_path, {**config, "store": {"sqlite": "no/such/folder/muster.db"}})
    assert "sqlite" in said
    (tmp_path / "text.db").write_text("this is not a database, and long enough to be seen as none" * 20)
    assert "text.db" in await refusal(tmp_path, {**config, "store": {"sqlite": "text.db"}})
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    assert "another program" in await refusal(tmp_path, {**config, "store": {"sqlite": "other.db"}})


async def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "muster.keys").write_text("A" * 43 + "=\n")
    (tmp_path / "muster.keys").chmod(0o644)
    assert "muster.keys" in await refusal(tmp_path, good(tmp_path))


async def test_the_key_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    config = good(tmp_path)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    await refusal(tmp_path, {**config, "store": {"sqlite": "other.db"}})
    keys = tmp_path / "muster.keys"
    assert not keys.exists() or keys.stat().st_mode & 0o077 == 0


async def test_no_secret_is_ever_said(tmp_path: Path) -> None:
    config = good(tmp_path)
    config["idps"][0]["client_secret"] = "written-in-the-file-itself"
    said = await refusal(tmp_path, config)
    assert "client_secret" in said
    assert "written-in-the-file-itself" not in said
