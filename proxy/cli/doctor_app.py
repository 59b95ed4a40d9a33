"""The doctor at the app's admin API: whether our credential works, and whether what the configuration names is there.

Only questions are asked, the ones that a visit asks too; an app with a login has a session of ours more.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.app.effective import Effective
from proxy.apps.capabilities import capabilities_table, standing_of
from proxy.apps.preset import Preset
from proxy.cli.doctor_files import Stored
from proxy.cli.doctor_finding import Finding, Findings, Result, failed, ok, warning
from proxy.groups.rules import GroupRules, LinkMode, Missing
from proxy.provisioning.app_admin import AppAdmin, AppFault, AppRefusal, AppTrouble
from proxy.provisioning.linking import is_protected
from proxy.provisioning.model import AppGroup, Member
from proxy.reasons import Reason
from proxy.settings.model import App, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the app shows; None where its preset has no such question (`own` also where nobody is behind the credential)."""

    own: Member | AppFault | None
    groups: tuple[AppGroup, ...] | AppFault | None
    accounts: tuple[Member, ...] | AppFault | None


async def examine_app(
    settings: Settings, app: App, preset: Preset, admin: AppAdmin, held: Effective, stored: Stored
) -> tuple[str | None, Findings]:
    """The login that stands behind the admin credential (else a protected one) where it is known, and what was found."""
    token, shown = await _asked(admin)
    found = [token, _may(preset)]
    if token.result is not Result.FAILED:
        found += _linked(held.groups, shown, admin)
        found += await _protected(app, admin, shown)
        found += _seats(settings, shown, stored)
    own = shown.own.login if isinstance(shown.own, Member) else None
    return own or next(iter(app.protected), None), found


async def _asked(admin: AppAdmin) -> tuple[Finding, Shown]:
    """The account behind the credential first: where it does not work nothing else is asked."""
    own = await admin.whoami()
    if isinstance(own, AppTrouble | AppRefusal):
        return _refused(own), Shown(own=own, groups=None, accounts=None)
    groups, accounts = await asyncio.gather(_groups(admin), _accounts(admin))
    shown = Shown(own=own, groups=groups, accounts=accounts)
    if isinstance(own, Member):
        return _owned(own), shown
    return await _unowned(admin, shown), shown


async def _groups(admin: AppAdmin) -> tuple[AppGroup, ...] | AppFault | None:
    return await admin.groups() if admin.capabilities.can_list_groups else None


async def _accounts(admin: AppAdmin) -> tuple[Member, ...] | AppFault | None:
    return await admin.list_accounts() if admin.capabilities.can_list_accounts else None


def _owned(own: Member) -> Finding:
    check = "app: admin token"
    if not own.is_active:
        return warning(check, f"it is {own.login}'s, whose account is archived", "restore it in the app")
    return ok(check, f"it works; it is {own.login}'s (account {own.id})")


async def _unowned(admin: AppAdmin, shown: Shown) -> Finding:
    """Proved by whatever else the app answers; every preset can search."""
    asked = next((one for one in (shown.groups, shown.accounts) if one is not None), None)
    if asked is None:
        asked = await admin.search(email=None, login="muster-doctor")
    if isinstance(asked, AppTrouble | AppRefusal):
        return _refused(asked)
    return ok("app: admin token", "it works; the app does not say whose it is")


def _refused(fault: AppFault) -> Finding:
    check = "app: admin token"
    if isinstance(fault, AppRefusal) and fault.reason is Reason.APP_UNPROVED:
        return failed(check, fault.detail, "give app.credentials what an administrator's account has")
    if isinstance(fault, AppRefusal):
        return failed(check, fault.detail, "see app.preset and app.url")
    return failed(check, fault.detail, "see app.url, and whether the app runs")


def _may(preset: Preset) -> Finding:
    rows = capabilities_table(preset)
    can = ", ".join(row.what for row in rows if row.is_possible)
    cannot = "; ".join(f"{row.what} ({row.means})" for row in rows if not row.is_possible)
    seen = f"{preset.app} can {can}" + (f"; it cannot {cannot}" if cannot else "")
    if preset.status == "verified":
        return ok("app: what it may do", seen)
    return warning("app: what it may do", f"{seen}. {standing_of(preset)}")


def _linked(rules: GroupRules, shown: Shown, admin: AppAdmin) -> Findings:
    """Every app group that the rules name is there, or may be made."""
    wanted = dict.fromkeys(_named(rules)) if rules.is_enabled else {}
    check = "app: linked groups"
    if shown.groups is None:
        return [warning(check, "the preset cannot list groups: none is followed")] if wanted else []
    if isinstance(shown.groups, AppTrouble | AppRefusal):
        return [failed(check, shown.groups.detail, "see whether the admin token may list groups")]
    there = {group.name for group in shown.groups}
    lacking = [name for name in wanted if name not in there]
    if not lacking:
        return [ok(check, f"the app lists {len(there)} groups; all {len(wanted)} that are named are there")]
    return [
        _lacking(check, ", ".join(lacking), rules.missing, can_create=admin.capabilities.can_create_group)
    ]


def _named(rules: GroupRules) -> Iterator[str]:
    yield from (link.app_group for link in rules.links if link.mode is not LinkMode.OFF)
    yield from (role.group for role in rules.roles.order if role.group)
    if rules.default_group:
        yield rules.default_group


def _lacking(check: str, names: str, missing: Missing, *, can_create: bool) -> Finding:
    match missing:
        case Missing.CREATE if can_create:
            return ok(check, f"not there yet, made when they are needed: {names}")
        case Missing.CREATE:
            return warning(
                check, f"not there, and the preset cannot make groups: {names}", "make them in the app"
            )
        case Missing.IGNORE:
            return warning(
                check, f"not there, and left out: {names}", "make them, or write groups.missing: create"
            )
        case Missing.ERROR:
            return failed(check, f"not there: {names}", "make them in the app")


async def _protected(app: App, admin: AppAdmin, shown: Shown) -> Findings:
    """The account behind the token must be known or listed (semantics §6.5)."""
    check = "app: protected accounts"
    found = [
        one for one in await asyncio.gather(*(_listed(check, name, admin) for name in app.protected)) if one
    ]
    if not admin.capabilities.can_read_self and not app.protected:
        seen = "the app does not say whose the admin token is, and app.protected is empty"
        return [failed(check, seen, "list that account's login under app.protected")]
    if isinstance(shown.own, Member):
        is_listed = is_protected(shown.own, frozenset(app.protected))
        how = "is listed" if is_listed else "is protected without being listed"
        return [*found, ok(check, f"{shown.own.login}, whose the admin token is, {how}")]
    return found or [ok(check, f"{len(app.protected)} listed")]


async def _listed(check: str, name: str, admin: AppAdmin) -> Finding | None:
    """A login, an address or an id; None when the app shows it."""
    is_address = "@" in name
    asked = await admin.search(email=name if is_address else None, login=name)
    if isinstance(asked, AppTrouble | AppRefusal):
        return failed(check, asked.detail, "see whether the admin token may search accounts")
    if asked:
        return None
    return warning(
        check, f"the app has no account {name!r}", "correct it under app.protected: it protects nobody"
    )


def _seats(settings: Settings, shown: Shown, stored: Stored) -> Findings:
    check, limit = "app: seats", settings.joining.seats
    if isinstance(shown.accounts, AppTrouble | AppRefusal):
        return [failed(check, shown.accounts.detail, "see whether the admin token may list accounts")]
    if shown.accounts is None:
        taken, by = stored.members, "members of ours (the app does not list accounts)"
    else:
        taken, by = sum(one.is_active for one in shown.accounts), "accounts are active"
    if limit is None:
        return [ok(check, f"no limit of ours; {taken} {by}")]
    if taken >= limit:
        advice = "newcomers see “no seat left”: raise joining.seats, or archive somebody"
        return [warning(check, f"none is left: {taken} of {limit}; {by}", advice)]
    return [ok(check, f"{limit - taken} of {limit} are left; {taken} {by}")]
