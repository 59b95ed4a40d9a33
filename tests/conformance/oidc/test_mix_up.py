"""Mix-up (RFC 9207 §1, RFC 9700 §4.4): an honest and a hostile IdP in one configuration, one test per variant.

In each the attacker wants the honest IdP's code to be sent to the hostile one's token endpoint, or the other way round. What is
asserted is always the same: no token endpoint is called, and nobody is signed in.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proxy.identity import IdpId
from proxy.web.choosing import ChoosingRules
from tests.fakes.web import Control, FakeFlow, Told

HONEST, HOSTILE = IdpId("honest"), IdpId("hostile")
HONEST_ISSUER = "https://honest.example.net"
HOSTILE_ISSUER = "https://hostile.example.net"
OWN = ChoosingRules(own_callbacks=frozenset({HONEST, HOSTILE}))
SHARED = ChoosingRules()


@asynccontextmanager
async def both(choosing: ChoosingRules, *, announce: bool = True) -> AsyncIterator[Control]:
    flows = FakeFlow(HONEST), FakeFlow(HOSTILE)
    for flow in flows:
        flow.announces_issuer = announce
    async with Control(*flows, choosing=choosing) as control:
        yield control
        assert [flow.redeemed for flow in flows] == [[], []], "a code reached a token endpoint"
        assert control.sessions.sessions == {}


async def state_of(control: Control, idp: IdpId) -> str:
    return (await control.begin(f"/_muster/sign-in?idp={idp}"))["state"]


async def answered(control: Control, path: str, **parameters: str) -> Told:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return await control.ask(f"/_muster/{path}?{query}")


def refused(told: Told, code: str) -> None:
    assert told.status == 400
    assert code in told.text


async def test_the_hostile_idp_sends_its_visitor_on_to_the_honest_one_which_says_who_it_is() -> None:
    async with both(SHARED) as control:
        state = await state_of(control, HOSTILE)
        refused(
            await answered(control, "callback", state=state, code="c", iss=HONEST_ISSUER), "issuer_mismatch"
        )


async def test_an_iss_counts_even_where_the_attempts_idp_announced_none() -> None:
    async with both(ChoosingRules(own_callbacks=frozenset({HOSTILE})), announce=False) as control:
        state = await state_of(control, HOSTILE)
        told = await answered(control, "callback/hostile", state=state, code="c", iss=HONEST_ISSUER)
        refused(told, "issuer_mismatch")


async def test_the_hostile_idp_sends_its_visitor_on_to_an_honest_one_that_does_not_say_who_it_is() -> None:
    """The honest IdP knows one redirect URI of ours, its own: there its answer arrives, with the other's state."""
    async with both(OWN, announce=False) as control:
        state = await state_of(control, HOSTILE)
        refused(await answered(control, "callback/honest", state=state, code="c"), "callback_mismatch")


async def test_the_answer_of_an_honest_idp_with_the_shared_callback_is_not_the_others() -> None:
    async with both(ChoosingRules(own_callbacks=frozenset({HOSTILE})), announce=False) as control:
        state = await state_of(control, HOSTILE)
        refused(await answered(control, "callback", state=state, code="c"), "callback_mismatch")


async def test_a_code_of_the_hostile_idp_is_not_put_into_an_attempt_at_the_honest_one() -> None:
    async with both(OWN, announce=False) as control:
        state = await state_of(control, HONEST)
        refused(await answered(control, "callback/hostile", state=state, code="c"), "callback_mismatch")
    async with both(SHARED) as control:
        state = await state_of(control, HONEST)
        refused(
            await answered(control, "callback", state=state, code="c", iss=HOSTILE_ISSUER), "issuer_mismatch"
        )


async def test_an_answer_whose_iss_was_taken_out_on_the_way_is_refused() -> None:
    async with both(SHARED) as control:
        refused(
            await answered(control, "callback", state=await state_of(control, HONEST), code="c"),
            "issuer_missing",
        )


async def test_two_issuers_in_one_answer_are_refused() -> None:
    async with both(SHARED) as control:
        state = await state_of(control, HONEST)
        path = f"/_muster/callback?state={state}&code=c&iss={HONEST_ISSUER}&iss={HOSTILE_ISSUER}"
        refused(await control.ask(path), "duplicate_parameter")


@pytest.mark.parametrize("stated", [HONEST_ISSUER + "/", HONEST_ISSUER.upper(), HONEST_ISSUER[:-1], ""])
async def test_an_issuer_is_compared_sign_by_sign(stated: str) -> None:
    async with both(SHARED) as control:
        state = await state_of(control, HONEST)
        refused(await answered(control, "callback", state=state, code="c", iss=stated), "issuer_mismatch")


async def test_an_error_of_the_other_idp_is_refused_as_a_code_is() -> None:
    """Or a hostile IdP could make an attempt at the honest one begin anew, or fail, in its name."""
    async with both(OWN, announce=False) as control:
        state = await state_of(control, HONEST)
        told = await answered(control, "callback/hostile", state=state, error="login_required")
        refused(told, "callback_mismatch")
        assert len(control.attempts()) == 1


async def test_states_of_two_attempts_are_not_exchanged() -> None:
    """Each state opens its own attempt only, with its own issuer, verifier and nonce."""
    async with both(SHARED) as control:
        honest, hostile = await state_of(control, HONEST), await state_of(control, HOSTILE)
        refused(
            await answered(control, "callback", state=hostile, code="c", iss=HONEST_ISSUER), "issuer_mismatch"
        )
        refused(
            await answered(control, "callback", state=honest, code="c", iss=HOSTILE_ISSUER), "issuer_mismatch"
        )


@pytest.mark.parametrize("idp", ["nobody", "honest%2F..%2Fhostile", "HONEST"])
async def test_a_callback_that_is_nobodys_takes_no_answer(idp: str) -> None:
    async with both(OWN) as control:
        state = await state_of(control, HONEST)
        refused(
            await answered(control, f"callback/{idp}", state=state, code="c", iss=HONEST_ISSUER),
            "callback_mismatch",
        )


async def test_an_honest_idp_that_could_be_mistaken_is_not_gone_to_at_all() -> None:
    async with both(SHARED, announce=False) as control:
        told = await control.ask("/_muster/sign-in?idp=honest")
        assert told.status == 502
        assert control.attempts() == []
