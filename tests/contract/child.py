"""Another process on the same engine: `python -m tests.contract.child ENGINE FOLDER TASK`. Prints a line a durable write."""

import asyncio
import sys
from pathlib import Path

from tests.contract.engines import Store, open_in_child
from tests.contract.records import NOW, session, vouched


async def write_for_ever(store: Store) -> None:
    """People and their sessions without end; the parent kills this process in the middle."""
    number = 0
    while True:
        name = f"child-{number}"
        await store.joint.note_and_create(vouched(name), session(name, name), replaces=None, now=NOW)
        print(number, flush=True)
        number += 1


async def write_some(store: Store) -> None:
    """A hundred statements about people of its own."""
    for number in range(100):
        await store.outbox.note(vouched(f"child-{number}"), NOW)
        print(number, flush=True)


async def claim_and_hang(store: Store) -> None:
    """Take the waiting entry and never finish it."""
    claim = await store.outbox.claim(holder="child", now=NOW, seconds=20)
    print(claim is not None, flush=True)
    await asyncio.Event().wait()


TASKS = {task.__name__: task for task in (write_for_ever, write_some, claim_and_hang)}


async def main(engine: str, folder: str, task: str) -> None:
    store = open_in_child(engine, Path(folder))
    await TASKS[task](store)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
