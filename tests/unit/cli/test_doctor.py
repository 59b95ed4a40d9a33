"""`muster doctor`, whole: beside the demonstration's IdP and app, well and broken; it changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.doctor import examine
from proxy.cli.main import main
from proxy.demo.app import DemoApp
from proxy.demo.configuration import Addresses, write_configuration
from proxy.demo.idp import DemoIdp
from proxy.demo.idp_state import Outage
from tests.fakes.doors import Doors, text


@dataclass
class Place:
    """The configuration, and the partners that it names; `front` plays the public address."""

    config: Path
    idp: DemoIdp
    app: DemoApp
    front: Doors

    async def doctor(self, *options: str) -> int:
        """Runs the command as somebody else's process would."""
        return await asyncio.to_thread(main, ["doctor", "-c", str(self.config), *options])

    async def results(self) -> dict[str, str]:
        found = await asyncio.to_thread(examine, self.config)
        return {one.check: one.result.value for one in found}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    idp, app, front = DemoIdp(client_secret="s-e-c-r-e-t", algorithm="ES256"), DemoApp("t-o-k-e-n"), Doors()
    front.pages = {"/_muster/livez": text("ok\n"), "/_muster/readyz": text("{}")}
    async with front:
        at = Addresses(
            listen="127.0.0.1:0",
            public_url=front.url,
            ops="127.0.0.1:0",
            issuer=await idp.start(),
            app=await app.start(),
        )
        config = write_configuration(tmp_path, at, client_secret="s-e-c-r-e-t", token="t-o-k-e-n", every=3600)
        config.chmod(0o600)
        yield Place(config, idp, app, front)
        await idp.stop()
        await app.stop()


def document_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


async def test_all_is_well_but_for_warnings_and_exit_0(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await place.doctor() == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert all(line.split()[0] in ("ok", "warning") for line in lines[1:])
    assert any("whoever reaches" in line and "robot" in line for line in lines)


async def test_nothing_is_changed_anywhere(place: Place) -> None:
    folder = place.config.parent
    before = {path: path.read_bytes() for path in folder.iterdir()}
    people = json.dumps([one.as_json() for one in place.app.state.accounts.values()], default=str)
    await place.doctor()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert json.dumps([one.as_json() for one in place.app.state.accounts.values()], default=str) == people
    assert {call.method for call in place.app.calls} == {"GET"}
    assert dict(place.idp.state.answers) == {"refresh_token invalid_grant": 1}


async def test_json_says_the_worst_and_every_check(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.idp.state.options.client_secret = "rotated"
    assert await place.doctor("--json") == 1
    document = document_of(capsys)
    assert document["result"] == "failed"
    failed = [one["check"] for one in document["checks"] if one["result"] == "failed"]
    assert failed == ["idp corp: client"]


async def test_no_secret_is_printed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    await place.doctor("--json")
    place.idp.state.options.client_secret = "rotated"
    place.app.state.token = "another"
    await place.doctor()
    captured = capsys.readouterr()
    for secret in ("s-e-c-r-e-t", "t-o-k-e-n"):
        assert secret not in captured.out + captured.err


async def test_each_partner_that_is_down_is_a_failure_of_its_own(place: Place) -> None:
    place.idp.state.outage = Outage.UNAVAILABLE
    place.app.state.token = "another"
    place.front.pages = {}
    results = await place.results()
    assert {check for check, result in results.items() if result == "failed"} == {
        "idp corp: discovery",
        "app: admin token",
        "public address",
    }


async def test_a_configuration_that_does_not_load_is_the_one_failure(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.config.write_text(place.config.read_text().replace("issuer:", "isuer:"))
    assert await place.doctor("--json") == 1
    assert {one["check"] for one in document_of(capsys)["checks"]} == {"configuration"}


async def test_a_preset_that_is_used_wrongly_hides_no_other_check(place: Place) -> None:
    place.config.write_text(place.config.read_text().replace("credentials: {token:", "credentials: {tokn:"))
    results = await place.results()
    assert results["app: preset"] == "failed"
    assert results["idp corp: client"] == "ok"
    assert "app: admin token" not in results


async def test_the_presets_own_form_is_looked_for(place: Place) -> None:
    text_of = Path(__file__).parents[3].joinpath("config", "apps", "demo.yaml").read_text("utf-8")
    own = place.config.parent / "own.yaml"
    own.write_text(text_of + "\nlogin_probe: {path: /public, marker: Anybody may, page: /}\n")
    place.config.write_text(place.config.read_text().replace("preset: demo", "preset: ./own.yaml"))
    assert (await place.results())["app: password login"] == "warning"


async def test_without_an_app_headers_and_port_are_looked_at(place: Place) -> None:
    text_of = place.config.read_text()
    head, rest = text_of.split("\napp:\n")
    tail = rest[rest.index("\nstore:") :]
    head = head[: head.index("\ngroups:")]
    place.config.write_text(f"{head}\nheaders: {{user_claim: email}}\n{tail}")
    results = await place.results()
    assert "app: admin token" not in results
    assert results["app: around Muster"] == "warning"
