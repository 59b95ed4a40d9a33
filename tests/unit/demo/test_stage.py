import socket

import aiohttp

from proxy.demo.browser import Browser
from proxy.demo.stage import HOST, free_port, port_or_free, running


def test_a_free_port_is_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))


def test_the_wanted_port_is_taken_if_nobody_has_it() -> None:
    wanted = free_port()
    assert port_or_free(wanted) == wanted
    with socket.socket() as other:
        other.bind(("127.0.0.1", wanted))
        other.listen()
        assert port_or_free(wanted) != wanted


async def test_the_three_programs_run_together_and_are_gone_afterwards() -> None:
    async with running(port=free_port(), every=60) as stage, Browser() as browser:
        page = await browser.sign_in(stage.url("/"), "alice")
        assert page.status == 200
        assert "Hello, Alice Archer" in page.text
        assert page.url.startswith(f"http://{HOST}:")
        assert await stage.figure("muster_idp_misconfigured", idp="corp") == 0
        assert await stage.figure("nothing") is None
        stage.tell_muster_secret("other")
        assert (stage.folder / "idp.secret").read_text() == "other\n"
    assert not stage.folder.exists()
    async with aiohttp.ClientSession() as http:
        for address in (stage.at.issuer, stage.at.app, f"http://{stage.at.listen}"):
            try:
                await http.get(address)
            except aiohttp.ClientConnectionError:
                continue
            raise AssertionError(address)
