"""canaille as a test partner: a second OpenID Provider, of another make than npm's, on a database of the test.

Two things it does as few others: a refresh brings no ID token, and a locked person's refresh is answered with `invalid_request`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.processes import Child, free_port
from tests.partners.environments import Missing
from tests.partners.prepare_canaille import ENVIRONMENT, SOURCE

PASSWORD = "any-password-will-do"
_READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCall:
    """One call of the token endpoint. `outcome` is `ok` or the error code."""

    grant_type: str
    outcome: str
    has_id_token: bool


def need_canaille() -> Path:
    """Its environment; skips the test with what is missing, or fails it where CI=true."""
    try:
        return ENVIRONMENT.ready()
    except Missing as error:
        sentence = f"missing: {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


class Canaille:
    """One running canaille. It calls itself by the address it is asked under."""

    def __init__(self, folder: Path) -> None:
        self._environment = need_canaille()
        self._folder = folder
        self._child: Child | None = None
        self.address = ""

    def start(self) -> None:
        """Blocks for about four seconds."""
        self._folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        python = str(self._environment / "venv" / "bin" / "python")
        argv = [python, str(SOURCE / "serve.py"), str(port), str(self._folder)]
        self._child = Child("canaille", argv, folder=self._folder, cwd=self._folder)
        self._child.wait_for_line(lambda line: line.strip() == "ready", _READY_SECONDS)
        self.address = f"127.0.0.1:{port}"

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    async def put(
        self, people: Mapping[str, Mapping[str, Any]] | None = None, client: Mapping[str, Any] | None = None
    ) -> tuple[TokenCall, ...]:
        """Changes what is named; the token calls so far."""
        asked = {"people": people or {}, **({} if client is None else {"client": client})}
        url = f"http://{self.address}/control"
        async with aiohttp.ClientSession() as http, http.post(url, json=asked) as answer:
            assert answer.status == 200, await answer.text()
            return tuple(TokenCall(**call) for call in (await answer.json())["calls"])
