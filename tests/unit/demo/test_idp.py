import json
import signal
import subprocess
import sys

import aiohttp

from proxy.demo.idp import DemoIdp


async def test_issuer_port_and_state_survive_a_stop() -> None:
    idp = DemoIdp(algorithm="ES256")
    issuer = await idp.start()
    cookie, _ = idp.state.grants.sign_in("alice", 0.0)
    keys = idp.state.keys.published()
    await idp.stop()
    assert await idp.start() == issuer == idp.issuer
    assert cookie in idp.state.grants.visits
    async with aiohttp.ClientSession() as http, http.get(f"{issuer}/jwks") as answer:
        assert await answer.json() == keys
    await idp.stop()


def test_it_runs_as_a_process_that_prints_its_address() -> None:
    command = [sys.executable, "-m", "proxy.demo.idp", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    assert told["url"].startswith("http://127.0.0.1:")
