"""Keeps a claim alive while its visit lasts, and stops the visit that lost it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from proxy.errors import Unavailable
from proxy.provisioning.kit import Kit, Visited
from proxy.provisioning.model import EntryState
from proxy.provisioning.outbox import Claim
from proxy.reasons import Reason
from proxy.session.model import Pending


async def keep_claim(kit: Kit, claim: Claim, visit: Coroutine[Any, Any, Visited]) -> Visited:
    """The visit's outcome. A visit whose claim is lost, or that takes too long, is stopped wherever it stands."""
    limit = asyncio.timeout(kit.rules.visit_seconds)
    lost = asyncio.Event()
    try:
        async with limit:
            keeping = asyncio.create_task(_keep(kit, claim, limit, lost))
            try:
                return await visit
            finally:
                keeping.cancel()
    except TimeoutError:
        return await _stopped(kit, claim, is_lost=lost.is_set())


async def _keep(kit: Kit, claim: Claim, limit: asyncio.Timeout, lost: asyncio.Event) -> None:
    until = claim.until
    while True:
        await asyncio.sleep(kit.rules.claim_renewed_every)
        now = kit.clock()
        try:
            renewed = await kit.outbox.renew_claim(claim, now=now, seconds=kit.rules.claim_seconds)
        except Unavailable:
            if now < until:
                continue
            renewed = None
        if renewed is None:
            lost.set()
            limit.reschedule(asyncio.get_running_loop().time())
            return
        until = renewed.until


async def _stopped(kit: Kit, claim: Claim, *, is_lost: bool) -> Visited:
    detail = "the claim was lost" if is_lost else "the visit took too long"
    reason = Reason.BEING_SET_UP if is_lost else Reason.APP_TROUBLE
    if not is_lost:
        await kit.outbox.retry(claim, at=kit.clock() + 5.0, reason=reason, detail=detail)
    return Visited(
        account=Pending(reason=reason),
        state=None if is_lost else EntryState.OPEN,
        version=claim.entry.version,
        reason=reason,
        detail=detail,
        is_lost=is_lost,
    )
