"""An app that answers as its documentation shows: `tests/recorded/NAME.yaml`. Whatever is not recorded is answered with 501."""

from pathlib import Path
from typing import Any

from aiohttp import web
from ruamel.yaml import YAML
from yarl import URL

from tests.fakes.rest_app import Served, seen

FOLDER = Path(__file__).parents[1] / "recorded"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
ANY = "*"
"""Stands for any text in what is sent: a password that nobody knows."""


class RecordedApp(Served):
    """Answers each request with the recorded reply of the same method, path, query and body.

    `last` is the latest request and body; `unrecorded` are those that no reply was recorded for.
    """

    def __init__(self, name: str) -> None:
        self.recorded: dict[str, Any] = YAML(typ="safe").load((FOLDER / f"{name}.yaml").read_text("utf-8"))
        self.last: dict[str, Any] = {}
        self.unrecorded: list[str] = []

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    def is_proved(self, headers: dict[str, str]) -> bool:
        name, value = self.recorded.get("header") or ("Authorization", self.recorded.get("authorization"))
        return headers.get(name) == value

    async def _answer(self, request: web.Request) -> web.Response:
        asked = await seen(request)
        self.last = {"request": f"{asked.method} {asked.target}", "body": asked.body}
        if not self.is_proved(asked.headers):
            return web.json_response({"message": "unauthorized"}, status=401)
        for reply in self.recorded["replies"]:
            if _is_for(reply, asked.method, asked.target) and _fits(reply.get("sends"), asked.body):
                return _written(reply)
        self.unrecorded.append(f"{asked.method} {asked.target} {asked.body}")
        return web.json_response({"message": "nothing is recorded for this"}, status=501)


def _is_for(reply: dict[str, Any], method: str, target: str) -> bool:
    own, _, where = reply["request"].partition(" ")
    recorded, asked = URL(where, encoded=True), URL(target, encoded=True)
    same_query = dict(recorded.query) == dict(asked.query)
    return bool(own == method and recorded.raw_path == asked.raw_path and same_query)


def _fits(recorded: Any, sent: Any) -> bool:
    match recorded:
        case "*":
            return isinstance(sent, str) and len(sent) >= 20
        case dict():
            same_keys = isinstance(sent, dict) and recorded.keys() == sent.keys()
            return same_keys and all(_fits(value, sent[key]) for key, value in recorded.items())
        case list():
            same_length = isinstance(sent, list) and len(recorded) == len(sent)
            return same_length and all(_fits(one, other) for one, other in zip(recorded, sent, strict=True))
        case _:
            return bool(recorded == sent) and type(recorded) is type(sent)


def _written(reply: dict[str, Any]) -> web.Response:
    if "body" not in reply:
        return web.Response(status=reply["status"])
    return web.json_response(reply["body"], status=reply["status"])
