"""`muster groups push`: *Push now* for one linked group, whatever the reason of the difference."""

from argparse import Namespace

from proxy.cli.app_groups import named
from proxy.cli.desk import Desk, at_desk, own_courier
from proxy.cli.looking import at_work, looked
from proxy.provisioning.sweep import Sweep


def run(args: Namespace) -> int:
    """0 when the group agrees, 3 when something differed or is held, 1 when it cannot be looked at. Raises SettingsError."""
    return at_desk(args, lambda desk: _push(desk, args))


async def _push(desk: Desk, args: Namespace) -> int:
    group = named(desk, args.app_group)
    async with own_courier(desk) as courier, at_work(courier):
        sweep = Sweep(lambda: courier.kit, courier.wake)
        seen = await looked(
            lambda progress: sweep.group(group, is_dry_run=args.dry_run, progress=progress), is_json=args.json
        )
    if not args.dry_run:
        await desk.audited("push", app_group=group, **seen.facts)
    return seen.code
