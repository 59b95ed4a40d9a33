"""`muster keys`: which keys seal sessions, and their rotation. Keys are shown by their ids, never themselves."""

import os
from argparse import Namespace
from typing import Any, Final

from proxy.app.storing import Store
from proxy.cli.configuration import configured
from proxy.cli.desk import audited, print_json, refusal
from proxy.cli.store import now, with_store
from proxy.cli.table import print_table
from proxy.session.codec import KEY_BYTES, KeyRing, SealingKey
from proxy.session.cookie import ATTEMPT_SECONDS
from proxy.settings.model import Settings
from proxy.storage.keyring import load_keyring, write_keyring

BATCH: Final = 500


def run(args: Namespace) -> int:
    """0 when done. Raises SettingsError for a key that is not there, or that cannot go yet."""
    settings = configured(args)
    ring = load_keyring(settings.keys_file)
    work = _Work(args, settings, ring)
    actions = {
        "list": work.list,
        "add": work.add,
        "promote": work.promote,
        "retire": work.retire,
        "reseal": work.reseal,
    }
    return with_store(settings, actions[args.action], ring=ring)


class _Work:
    """One command. `ring` is the store's own: what it adopts, the store seals and opens with."""

    def __init__(self, args: Namespace, settings: Settings, ring: KeyRing) -> None:
        self._args = args
        self._path = settings.keys_file
        self._ring = ring

    async def list(self, store: Store) -> int:
        rows = [
            (key.id.hex(), "seals and opens" if place == 0 else "opens", await self._sealed_under(store, key))
            for place, key in enumerate(self._ring.keys)
        ]
        lost = await store.count_unreadable()
        if self._args.json:
            keys = [{"key": key, "seals": use != "opens", "sessions": count} for key, use, count in rows]
            print_json({"keys": keys, "sessions_without_key": lost})
            return 0
        print_table(("key", "use", "sessions"), [(key, use, str(count)) for key, use, count in rows])
        if lost:
            print(f"{lost} sessions are sealed under keys that are not in {self._path}")
        return 0

    async def add(self, store: Store) -> int:
        key = SealingKey(secret=os.urandom(KEY_BYTES))
        keys = self._ring.keys
        changed = (key, *keys) if self._args.first else (*keys, key)
        await self._change(store, "add", key, changed)
        return self._say(f"added {key.id.hex()}", key=key.id.hex(), seals=self._args.first)

    async def promote(self, store: Store) -> int:
        key = self._named()
        await self._change(store, "promote", key, (key, *(one for one in self._ring.keys if one != key)))
        return self._say(f"{key.id.hex()} seals from now on", key=key.id.hex(), seals=True)

    async def retire(self, store: Store) -> int:
        key = self._named()
        if key == self._ring.keys[0]:
            raise refusal(f"{key.id.hex()} seals: promote another key first")
        sealed = await self._sealed_under(store, key)
        if sealed:
            raise refusal(
                f"{sealed} sessions are still sealed under {key.id.hex()}: wait for the server, or run muster keys reseal"
            )
        if not self._args.now and now() - self._path.stat().st_mtime < ATTEMPT_SECONDS:
            raise refusal(
                "the key file changed less than ten minutes ago: sign-ins that are under way may need the key; "
                "wait, or say --now"
            )
        await self._change(store, "retire", key, tuple(one for one in self._ring.keys if one != key))
        return self._say(f"{key.id.hex()} is out of {self._path}", key=key.id.hex(), retired=True)

    async def reseal(self, store: Store) -> int:
        done = 0
        while sealed := await store.sessions.reseal(BATCH):
            done += sealed
            if not self._args.json:
                print(f"{done} sessions sealed anew")
        await audited(store, "keys", outcome="reseal", sessions=done)
        return self._say("every session is sealed under the first key", resealed=done)

    def _named(self) -> SealingKey:
        found = [key for key in self._ring.keys if key.id.hex() == self._args.key.lower()]
        if not found:
            raise refusal(f"there is no key {self._args.key!r} in {self._path} (muster keys list shows them)")
        return found[0]

    async def _sealed_under(self, store: Store, key: SealingKey) -> int:
        """Sessions that nobody could open without this key."""
        whole = self._ring.keys
        others = tuple(one for one in whole if one.id != key.id)
        lost = await store.count_unreadable()
        self._ring.adopt(KeyRing(keys=others or (SealingKey(secret=os.urandom(KEY_BYTES)),)))
        try:
            return await store.count_unreadable() - lost
        finally:
            self._ring.adopt(KeyRing(keys=whole))

    async def _change(self, store: Store, what: str, key: SealingKey, keys: tuple[SealingKey, ...]) -> None:
        write_keyring(self._path, KeyRing(keys=keys))
        await audited(store, "keys", outcome=what, key=key.id.hex())

    def _say(self, sentence: str, **document: Any) -> int:
        if self._args.json:
            print_json(document)
        else:
            print(sentence)
        return 0
