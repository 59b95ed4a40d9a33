"""`muster provisioning`: the run-time switch by which nobody is created or restored (semantics §4.5)."""

from argparse import Namespace

from proxy.cli.desk import Desk, at_desk, moment, operator, print_json, say
from proxy.groups.stored import effective_switch

_OFF = "nobody is created or restored; members pass, group changes and archiving go on"


def run(args: Namespace) -> int:
    """0 when it stands as asked; 1 when the configuration keeps it off. Raises SettingsError."""
    return at_desk(args, lambda desk: _status(desk, args) if args.action == "status" else _switch(desk, args))


async def _switch(desk: Desk, args: Namespace) -> int:
    is_on: bool = args.action == "on"
    before = desk.effective.ruled.provisioning
    if await desk.store.rulings.switch_provisioning(is_on, operator()):
        stood = "off" if before is not None and not before.is_on else "on"
        await desk.audited("rule", outcome=f"provisioning {args.action}", before=stood, after=args.action)
    code = await _status(desk, args)
    if is_on and not desk.effective.is_configured_on:
        say("the configuration says joining.provisioning: false, and it wins: change it there")
        return 1
    return code


async def _status(desk: Desk, args: Namespace) -> int:
    ruled = await desk.store.rulings.ruled()
    is_on = effective_switch(desk.effective.is_configured_on, ruled)
    switch = ruled.provisioning
    if args.json:
        by = {"by": switch.origin.by, "at": switch.origin.at} if switch else None
        print_json({"is_on": is_on, "configured": desk.effective.is_configured_on, "switched": by})
        return 0
    since = f" ({switch.origin.by}, {moment(switch.origin.at)})" if switch else ""
    print(f"provisioning is {'on' if is_on else 'off'}{since}" + ("" if is_on else f": {_OFF}"))
    return 0
