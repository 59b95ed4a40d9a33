"""`muster held`: what the guard against mass changes holds, and letting it go on."""

import sys
from argparse import Namespace

from proxy.app.storing import Store
from proxy.cli.configuration import configured
from proxy.cli.desk import audited, print_json
from proxy.cli.store import Listed, entries_in, entry_documents, now, print_entries, with_store
from proxy.provisioning.holding import drop, held_scopes, release
from proxy.provisioning.model import EntryState


def run(args: Namespace) -> int:
    """List, release or drop. 1 when the named scope is not held."""
    settings = configured(args)
    if args.action == "list" and args.dropped:
        dropped = with_store(settings, lambda store: entries_in(store, EntryState.DROPPED))
        return _show_dropped(dropped, is_json=args.json)
    if args.action == "list":
        return _show(*with_store(settings, _look), is_json=args.json)
    scope: str = args.scope
    is_released: bool = args.action == "release"
    count = with_store(settings, lambda store: _decide(store, scope, is_released=is_released))
    if count is None:
        print(f"muster: {scope!r} is not held (muster held list shows what is)", file=sys.stderr)
        return 1
    if args.json:
        print_json({"scope": scope, "people": count, "released": is_released})
        return 0
    what = "will be carried out, planned again" if is_released else "stay as they are in the app"
    print(f"{'released' if is_released else 'dropped'} {scope}: {count} people {what}")
    return 0


async def _look(store: Store) -> tuple[tuple[str, ...], Listed]:
    return await held_scopes(store.ledger), await entries_in(store, EntryState.HELD)


async def _decide(store: Store, scope: str, *, is_released: bool) -> int | None:
    if scope not in await held_scopes(store.ledger):
        return None
    count = await (release if is_released else drop)(scope, store.outbox, store.ledger, now())
    await audited(
        store, "rule", outcome=f"held {'release' if is_released else 'drop'}", after=scope, people=count
    )
    return count


def _show_dropped(listed: Listed, *, is_json: bool) -> int:
    if is_json:
        print_json({"entries": entry_documents(listed)})
    elif listed.entries:
        print_entries(listed)
    else:
        print("nothing is dropped")
    return 0


def _show(scopes: tuple[str, ...], listed: Listed, *, is_json: bool) -> int:
    if is_json:
        print_json({"scopes": list(scopes), "entries": entry_documents(listed)})
        return 0
    if not scopes and not listed.entries:
        print("nothing is held")
        return 0
    for scope in scopes:
        print(f"held: {scope}")
    if listed.entries:
        print_entries(listed)
    return 0
