"""`muster explain --session`: what follows from what the IdP last said of somebody who is signed in, or of a member."""

from argparse import Namespace
from dataclasses import replace

from proxy.app.rules import courier_rules
from proxy.apps.capabilities import capabilities_of
from proxy.cli.asserted import asserted, asserted_lines
from proxy.cli.desk import Desk, print_json, refusal
from proxy.cli.preset import chosen_preset, logins_of
from proxy.cli.who import Person, find_one
from proxy.groups.rules import AppGroupName
from proxy.identity import Identity
from proxy.provisioning.explain import Explanation, Line, explain
from proxy.provisioning.model import AppGroup, GroupId, Member, Vouched
from proxy.session.model import Session


async def explain_known(desk: Desk, args: Namespace) -> int:
    """Asks nobody: the newest session's identity, else the newest word of an IdP, by the rules that hold now."""
    person = await find_one(desk, args.session)
    explanation = await _explain(desk, args, person, _identity(person, args))
    claims = asserted(desk, _sessions(person, args))
    if args.json:
        print_json({**explanation.document(), "assertion": claims})
    else:
        print("\n".join([*map(str, explanation.lines), *asserted_lines(desk, claims)]))
    return 0


def _sessions(person: Person, args: Namespace) -> list[Session]:
    return [one for one in person.sessions if args.idp in (None, one.idp)]


def _identity(person: Person, args: Namespace) -> Identity:
    """With the last known groups, which stand while none are stated."""
    sessions = _sessions(person, args)
    if sessions:
        return max(sessions, key=lambda one: one.refreshed_at).identity
    statements = person.entry.statements if person.entry else ()
    said = [
        replace(one.says.identity, groups=one.known_groups)
        for one in sorted(statements, key=lambda one: (one.at, one.seq))
        if isinstance(one.says, Vouched) and args.idp in (None, one.source)
    ]
    if not said:
        raise refusal(
            f"no IdP vouches for {person.name} now: there is nothing to explain (muster members show)"
        )
    return said[-1]


async def _explain(desk: Desk, args: Namespace, person: Person, identity: Identity) -> Explanation:
    preset = chosen_preset(desk.settings, args.config)
    rules = courier_rules(desk.settings, logins=logins_of(preset))
    member = await _remembered(desk, person, identity)
    explanation = explain(
        identity,
        desk.effective.applied_to(rules),
        capabilities=capabilities_of(preset) if preset else None,
        member=member,
        app_groups=named_groups(args.app_groups),
        binding=person.bindings[0] if person.bindings else None,
    )
    if member is None:
        return explanation
    is_now = Line(topic="is", what=f"account {member.id} ({member.login}), taken as Muster last left it")
    return replace(explanation, lines=(is_now, *explanation.lines))


async def _remembered(desk: Desk, person: Person, identity: Identity) -> Member | None:
    """A member's account as Muster last left it: the app is not asked. Groups go by their names, as in `named_groups`."""
    if not person.bindings:
        return None
    binding = person.bindings[0]
    return Member(
        id=binding.account_id,
        login=binding.login,
        email=identity.email,
        name=identity.name,
        is_active=not binding.is_blocked,
        role=binding.granted_role,
        groups=frozenset(map(GroupId, await desk.store.bindings.memberships(binding.account_id))),
    )


def named_groups(text: str | None) -> tuple[AppGroup, ...] | None:
    """The groups that `--app-groups` lists; None when it is not given."""
    if text is None:
        return None
    names = dict.fromkeys(name.strip() for name in text.split(",") if name.strip())
    return tuple(AppGroup(id=GroupId(name), name=AppGroupName(name)) for name in names)
