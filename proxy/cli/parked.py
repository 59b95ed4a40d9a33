"""`muster parked`: what the app refused, and trying it again."""

import sys
from argparse import Namespace

from proxy.app.storing import Store
from proxy.cli.configuration import configured
from proxy.cli.desk import audited, print_json
from proxy.cli.store import entries_in, entry_documents, now, print_entries, with_store
from proxy.provisioning.model import EntryState


def run(args: Namespace) -> int:
    """List or retry. 1 when the named entry is not parked."""
    settings = configured(args)
    if args.action == "list":
        listed = with_store(settings, lambda store: entries_in(store, EntryState.PARKED))
        if args.json:
            print_json({"entries": entry_documents(listed)})
        elif listed.entries:
            print_entries(listed)
        else:
            print("nothing is parked")
        return 0
    entry: int | None = args.entry
    count = with_store(settings, lambda store: _retry(store, entry))
    if entry is not None and count == 0:
        print(f"muster: entry {entry} is not parked (muster parked list shows what is)", file=sys.stderr)
        return 1
    if args.json:
        print_json({"tried_again": count})
    else:
        print(f"{count} will be tried again")
    return 0


async def _retry(store: Store, entry: int | None) -> int:
    count = await store.outbox.reopen(entry, EntryState.PARKED, now())
    await audited(store, "rule", outcome="parked retry", people=count)
    return count
