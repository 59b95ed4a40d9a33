import json
import signal
import subprocess
import sys

import aiohttp

from proxy.demo.app import DemoApp


async def test_port_and_accounts_survive_a_stop() -> None:
    app = DemoApp(is_furnished=False)
    url = await app.start()
    app.state.add_account("ann", "ann@example.com", "Ann")
    await app.stop()
    assert await app.start() == url == app.url
    async with aiohttp.ClientSession() as http, http.get(url, headers={"X-Forwarded-User": "ann"}) as answer:
        assert answer.status == 200
    await app.stop()


def test_it_runs_as_a_process_that_prints_its_address() -> None:
    command = [sys.executable, "-m", "proxy.demo.app", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    assert told["url"].startswith("http://127.0.0.1:")
