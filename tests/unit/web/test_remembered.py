"""The IdP that a browser used last: an order, and nothing more."""

import re

import pytest

from tests.fakes.web import Control, FakeFlow

COOKIE = "__Host-muster-idp"


def order(text: str) -> list[str]:
    return re.findall(r"idp=(\w+)", text)


async def signed_in_at(control: Control, idp: str) -> None:
    sent = await control.begin(f"/_muster/sign-in?idp={idp}")
    done = await control.come_back(state=sent["state"], code="c", iss=f"https://{idp}.example.net")
    assert done.status == 303


async def test_the_idp_last_used_stands_first_and_says_so() -> None:
    async with Control(FakeFlow("corp"), FakeFlow("lab")) as control:
        assert order((await control.ask("/_muster/sign-in")).text) == ["corp", "lab"]
        await signed_in_at(control, "lab")
        assert control.cookies[COOKIE] == "lab"
        page = (await control.ask("/_muster/sign-in")).text
        assert order(page) == ["lab", "corp"]
        assert "last used" in page


async def test_with_one_idp_nothing_is_remembered() -> None:
    async with Control() as control:
        await signed_in_at(control, "corp")
        assert COOKIE not in control.cookies


@pytest.mark.parametrize("value", ["gone", "", "https://evil.example", "lab; x=1"])
async def test_a_cookie_that_names_no_listed_idp_changes_nothing(value: str) -> None:
    async with Control(FakeFlow("corp"), FakeFlow("lab")) as control:
        control.cookies[COOKIE] = value if ";" not in value else "nobody"
        page = (await control.ask("/_muster/sign-in")).text
        assert order(page) == ["corp", "lab"]
        assert "last used" not in page
