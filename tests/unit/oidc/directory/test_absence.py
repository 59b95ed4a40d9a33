"""A 404 means that somebody left only when the directory shows others and nobody else has the address."""

import pytest

from proxy.oidc.directory.absence import Look, judge_absence
from proxy.oidc.directory.calls import Missing
from proxy.provisioning.directory import Cause, Gone, Standing, Unknown

MISSING = Missing(code="http_404")
TROUBLE = Unknown(detail="timeout")


def look(answer: bool | Unknown) -> Look:
    async def answered() -> bool | Unknown:
        return answer

    return answered


@pytest.mark.parametrize(
    ("anybody", "address", "standing"),
    [
        (False, False, Unknown(detail="directory_shows_nobody", cause=Cause.MISCONFIGURED)),
        (False, None, Unknown(detail="directory_shows_nobody", cause=Cause.MISCONFIGURED)),
        (TROUBLE, False, TROUBLE),
        (True, True, Unknown(detail="address_under_another_id", cause=Cause.MISCONFIGURED)),
        (True, TROUBLE, TROUBLE),
        (True, False, Gone(marker="http_404")),
        (True, None, Gone(marker="http_404")),
    ],
)
async def test_every_row_of_the_table(
    anybody: bool | Unknown, address: bool | Unknown | None, standing: Standing
) -> None:
    has_address = None if address is None else look(address)
    assert await judge_absence(MISSING, look(anybody), has_address) == standing
