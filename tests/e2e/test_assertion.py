"""The signed assertion, end to end: from a sign-in to an app that verifies what the documentation has it verify."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from proxy.demo.browser import SCRIPT, Browser
from tests.docs.pages import text_of
from tests.fakes.whole import Whole, served, whole
from tests.partners.oidc_provider import missing, node, packages

APP = "https://app.example.com"
NAME = "X-Muster-Assertion"
PYTHON_END = "\nimport json, sys\nprint(json.dumps(person(sys.argv[1])))\n"
NODE_END = "\nconsole.log(JSON.stringify(await person(process.argv[2])));\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the app got of one request, and where Muster is."""

    headers: list[tuple[str, str]]
    stage: Whole

    @property
    def assertion(self) -> str:
        (value,) = [value for name, value in self.headers if name.lower() == NAME.lower()]
        return value

    def snippet(self, language: str) -> str:
        """The page's example, for this Muster. Keys come from its own address: any Host may ask for them."""
        found = re.search(rf"^```{language}\n(.*?)^```", text_of("docs/assertion.md"), re.M | re.S)
        assert found is not None
        keys = f"http://127.0.0.1:{self.stage.port}/_muster/jwks.json"
        text = found[1].replace(f"{APP}/_muster/jwks.json", keys)
        return text.replace(APP, self.stage.url().removesuffix("/"))


@asynccontextmanager
async def alice(folder: Path, *sent: tuple[str, str], more: str = "{enabled: true}") -> AsyncIterator[Seen]:
    """Alice is signed in, and asked the app for a page with these fields; Muster still runs."""
    async with whole(folder) as stage:
        settings = stage.settings(lambda text: f"{text}assertion: {more}\n")
        async with served(settings), Browser() as browser:
            await browser.sign_in(stage.url("/"), "alice")
            page = await browser.send("GET", stage.url("/headers"), headers={**SCRIPT, **dict(sent)})
            headers = [(name, value) for name, value in json.loads(page.text)["headers"]]
            yield Seen(headers=headers, stage=stage)


async def run(*command: str, folder: Path) -> tuple[int, str]:
    """The exit code and standard output of a program."""
    child = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        out, err = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode() or err.decode()


def altered(token: str, **changes: Any) -> str:
    """The same signature under other claims."""
    head, _, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    body = jwt.encode(claims, "k" * 32, algorithm="HS256").split(".")[1]
    return f"{head}.{body}.{signature}"


def unsigned(token: str) -> str:
    return jwt.encode(jwt.decode(token, options={"verify_signature": False}), "", algorithm="none")


async def verify(seen: Seen, language: str, folder: Path, token: str) -> tuple[int, str]:
    if language == "python":
        (folder / "app.py").write_text(seen.snippet("python") + PYTHON_END)
        return await run(sys.executable, "app.py", token, folder=folder)
    if missing() is not None:
        pytest.skip(missing() or "")
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(packages() / "node_modules")
    (folder / "app.mjs").write_text(seen.snippet("javascript") + NODE_END)
    return await run(node() or "node", "app.mjs", token, folder=folder)


LANGUAGES = ["python", "javascript"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_the_documentation_shows_verifies_it(language: str, tmp_path: Path) -> None:
    async with alice(tmp_path) as seen:
        code, out = await verify(seen, language, tmp_path, seen.assertion)
        assert code == 0, out
        said = json.loads(out)
        public = seen.stage.url().removesuffix("/")
    assert (said["iss"], said["aud"], said["idp"]) == (public, public, "corp")
    assert said["sub"].startswith("corp:")
    assert (said["app_user"], said["email"]) == ("alice", "alice@example.com")
    assert said["exp"] - said["iat"] == 300
    by_header = dict(seen.headers)
    assert by_header["X-Forwarded-User"] == said["app_user"]
    assert by_header["X-Forwarded-Groups"].split(",") == said["groups"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_the_documentation_shows_lets_nothing_but_ours_pass(language: str, tmp_path: Path) -> None:
    async with alice(tmp_path, more="{enabled: true, audience: wiki}") as seen:
        for token in (
            seen.assertion,
            altered(seen.assertion, app_user="root"),
            unsigned(seen.assertion),
            "x",
        ):
            code, out = await verify(seen, language, tmp_path, token)
            assert code != 0, out
            assert re.search("Error|JWT|JWS|JOSE", out), out


async def test_a_forged_header_never_arrives_beside_or_instead_of_ours(tmp_path: Path) -> None:
    forged = [(NAME, "forged"), ("x_muster.assertion", "forged")]
    async with alice(tmp_path, *forged) as seen:
        assert seen.assertion.startswith("ey")
        assert "forged" not in dict(seen.headers).values()


async def test_a_forged_header_never_arrives_when_nothing_is_asserted(tmp_path: Path) -> None:
    more = "{header: X-Who}"
    async with alice(tmp_path, ("X-Who", "forged"), ("x.who", "forged"), more=more) as seen:
        assert "forged" not in dict(seen.headers).values()
        assert {"x-who", "x.who"}.isdisjoint(name.lower() for name, _ in seen.headers)
