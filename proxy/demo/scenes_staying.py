"""The story's first half: arriving, groups that follow, silence and outages that take nothing away."""

from proxy.demo.app_state import Call
from proxy.demo.cast import Cast, Seen, eventually, expect, listed, read
from proxy.demo.configuration import IDP_ID

DEVELOPERS = frozenset({"Developers"})
DESIGNERS = frozenset({"Designers"})
BOOK_CLUB = frozenset({"Book club"})


async def first_visit(cast: Cast) -> list[str]:
    """Alice arrives: account and groups are there before her first request is."""
    page = await cast.sign_in("alice")
    seen = read(page)
    created = _creation(cast.stage.app.calls)
    first = next(view for view in cast.stage.app.views if view.login == "alice")
    expect(created.at <= first.at, "the app saw Alice before her account was made")
    expect(first.status == 200, f"Alice's first page was {first.status}")
    expect(seen.login == "alice", f"the app calls her {seen.login}")
    expect(seen.groups == DEVELOPERS, f"her groups in the app are {listed(seen.groups)}")
    expect(seen.told_groups == {"engineers"}, f"the header names {listed(seen.told_groups)}")
    return [
        f"browser → IdP → signed in → account {seen.account} made → first page {first.status}",
        f"groups in the app: {listed(seen.groups)}; headers: X-Forwarded-User: {seen.headers['X-Forwarded-User']}, "
        f"X-Forwarded-Groups: {seen.headers['X-Forwarded-Groups']}, X-Forwarded-Email: {seen.headers['X-Forwarded-Email']}",
        await _old_account(cast),
        await _foreign_domain(cast),
    ]


async def _old_account(cast: Cast) -> str:
    before = cast.account("carol").id
    seen = read(await cast.sign_in("carol"))
    expect(seen.account == before, f"Carol got account {seen.account}, hers was {before}")
    expect("Book club" in seen.groups, "Carol lost her book club")
    return f"Carol, who had account {before} by the same address, keeps it; groups: {listed(seen.groups)}"


async def _foreign_domain(cast: Cast) -> str:
    page = await cast.sign_in("mallory")
    expect(page.status == 403, f"Mallory's foreign domain was answered {page.status}")
    expect(cast.stage.app.state.by_login("mallory") is None, "Mallory got an account")
    return "Mallory, of a foreign domain: a polite 403 page, no account"


async def groups_follow(cast: Cast) -> list[str]:
    """Groups change at the IdP; the app and the headers follow without a sign-out."""
    alice = await cast.browser("alice")
    cookie = alice.jar.value("app.localhost", "__Host-muster")
    cast.account("alice").groups.add(_group_id(cast, "Book club"))
    cast.stage.idp.state.accounts["alice"].groups = ("designers",)
    wanted = DESIGNERS | BOOK_CLUB

    async def both() -> tuple[frozenset[str], Seen]:
        seen = await cast.see("alice")
        return cast.groups_of("alice"), seen

    groups, seen = await eventually(
        both,
        lambda now: now[0] == wanted and now[1].told_groups == {"designers"},
        within=cast.stage.every + cast.slack,
        what="followed",
    )
    expect(alice.jar.value("app.localhost", "__Host-muster") == cookie, "Alice had to sign in again")
    club = {
        one.login
        for one in cast.stage.app.state.accounts.values()
        if _group_id(cast, "Book club") in one.groups
    }
    expect(club == {"carol", "zoe", "alice"}, f"the book club is now {listed(frozenset(club))}")
    return [
        f"engineers → designers at the IdP; in the app: {listed(groups)}; header: {listed(seen.told_groups)}; same session",
        f"the book club, which nobody linked, keeps its hand-made members: {listed(frozenset(club))}",
    ]


async def silence_takes_nothing(cast: Cast) -> list[str]:
    """The groups claim is missing, the IdP is away, the secret is wrong: nobody loses anything."""
    return [await _claim_missing(cast), await _idp_away(cast), await _secret_rotated(cast)]


async def _claim_missing(cast: Cast) -> str:
    alice = cast.stage.idp.state.accounts["alice"]
    alice.is_groups_claim_left_out = True
    await cast.refreshed("alice", "alice", times=2)
    seen = await cast.see("alice")
    alice.is_groups_claim_left_out = False
    expect(seen.groups == DESIGNERS | BOOK_CLUB, f"without the claim her groups became {listed(seen.groups)}")
    expect(
        seen.told_groups == {"designers"}, f"without the claim the header became {listed(seen.told_groups)}"
    )
    return f"claim left out for two refreshes: groups stay {listed(seen.groups)}"


async def _idp_away(cast: Cast) -> str:
    await cast.stage.idp.stop()
    served = await cast.over_an_interval("alice", times=2.5)
    _nobody_archived(cast)
    await cast.stage.idp.start()
    await cast.refreshed("alice", "alice")
    away = f"IdP stopped for {2.5 * cast.stage.every:g} s: {served} requests, all served, nobody archived"
    return f"{away}; it came back and was asked again"


async def _secret_rotated(cast: Cast) -> str:
    options = cast.stage.idp.state.options
    options.client_secret = "rotated-" + (options.client_secret or "")

    async def alarm() -> float | None:
        await cast.see("alice")
        return await cast.stage.figure("muster_idp_misconfigured", idp=IDP_ID)

    await eventually(alarm, lambda value: value == 1, within=cast.stage.every + cast.slack, what="alarmed")
    served = await cast.over_an_interval("alice")
    _nobody_archived(cast)
    reasons = {str(value) for record in cast.stage.muster.records() for value in record.values()}
    expect("idp_misconfigured" in reasons, "the log does not say idp_misconfigured")
    cast.stage.tell_muster_secret(options.client_secret)
    await cast.refreshed("alice", "alice")
    await eventually(alarm, lambda value: value == 0, within=cast.stage.every + cast.slack, what="calm")
    alarmed = f"client secret rotated: muster_idp_misconfigured 1, idp_misconfigured in the log, {served} requests served"
    return f"{alarmed}; new secret written: 0 again"


def _nobody_archived(cast: Cast) -> None:
    archived = [one.login for one in cast.stage.app.state.accounts.values() if not one.is_active]
    expect(not archived, f"archived: {', '.join(archived)}")


def _creation(calls: list[Call]) -> Call:
    made = [call for call in calls if (call.method, call.path, call.status) == ("POST", "/api/users", 201)]
    expect(len(made) == 1, f"{len(made)} accounts were made for one person")
    return made[0]


def _group_id(cast: Cast, name: str) -> str:
    return next(group for group, own in cast.stage.app.state.groups.items() if own == name)
