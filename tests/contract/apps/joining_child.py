"""Another process that changes a group: `python -m tests.contract.apps.joining_child STORE PRESET URL JSON`.

JSON: `credentials`, `group`, and the `accounts` to join one after the other. Prints `ready`, and begins when a line comes in.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from proxy.apps.preset_file import load_preset
from proxy.apps.rest import RestAppAdmin
from proxy.groups.rules import AppGroupName
from proxy.provisioning.app_admin import Performed
from proxy.provisioning.locks import LeaseLocks
from proxy.provisioning.model import AccountId, AppGroup, GroupId, Join
from proxy.storage.sqlite.engine import SqliteEngine
from proxy.storage.sqlite.named_leases import SqliteLeases


async def main(store: str, preset: str, url: str, told: dict[str, Any]) -> None:
    engine = SqliteEngine(Path(store), timeout=10)
    locks = LeaseLocks(SqliteLeases(engine), clock=time.time, holder=str(told["accounts"]), patience=60)
    credentials = {name: (lambda value=value: value) for name, value in told["credentials"].items()}
    group = AppGroup(id=GroupId(told["group"]), name=AppGroupName("any"))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        admin = RestAppAdmin(load_preset(preset, Path()), url, credentials, http, timeout=30, locks=locks)
        await admin.groups()
        print("ready", flush=True)
        sys.stdin.readline()
        for account in told["accounts"]:
            outcome = await admin.perform(Join(account=AccountId(account), group=group))
            print(json.dumps([account, isinstance(outcome, Performed), str(outcome)]), flush=True)
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])))
