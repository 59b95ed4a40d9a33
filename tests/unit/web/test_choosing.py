"""The rows of the table above `choose`, first match wins."""

import pytest

from proxy.identity import IdpId
from proxy.web.choosing import (
    Ask,
    Choice,
    ChoosingRules,
    Go,
    NotAllowed,
    Wish,
    by_address,
    choose,
    safe_hint,
)

CORP, LAB, SHOP = IdpId("corp"), IdpId("lab"), IdpId("shop")
LISTED = (CORP, LAB, SHOP)
ANY = ChoosingRules(domains={"lab.example": LAB})
LAST = ChoosingRules(domains={"lab.example": LAB}, goes_to_last=True)
ONLY = ChoosingRules(enforced=CORP, domains={"lab.example": LAB}, goes_to_last=True)


@pytest.mark.parametrize(
    ("rules", "wish", "choice"),
    [
        (ONLY, Wish(asked=LAB), NotAllowed(idp=LAB)),
        (ONLY, Wish(asked=CORP), Go(idp=CORP)),
        (ANY, Wish(asked=LAB, address="x@lab.example", must_ask=True), Go(idp=LAB)),
        (ONLY, Wish(), Go(idp=CORP)),
        (ONLY, Wish(address="x@lab.example", continued=LAB, last=LAB, must_ask=True), Go(idp=CORP)),
        (ONLY, Wish(asked=IdpId("nobody")), Go(idp=CORP)),
        (ANY, Wish(address="x@lab.example", continued=CORP, last=CORP), Go(idp=LAB)),
        (ANY, Wish(address="x@Lab.Example", must_ask=True), Go(idp=LAB)),
        (ANY, Wish(continued=CORP, last=LAB), Go(idp=CORP)),
        (ANY, Wish(last=LAB), Ask(idps=(LAB, CORP, SHOP))),
        (LAST, Wish(last=LAB), Go(idp=LAB)),
        (LAST, Wish(last=LAB, must_ask=True), Ask(idps=(LAB, CORP, SHOP))),
        (LAST, Wish(last=IdpId("gone")), Ask(idps=LISTED)),
        (ANY, Wish(asked=IdpId("nobody")), Ask(idps=LISTED)),
        (ANY, Wish(address="x@elsewhere.example"), Ask(idps=LISTED)),
        (ANY, Wish(), Ask(idps=LISTED)),
    ],
)
def test_the_first_row_that_holds_decides(rules: ChoosingRules, wish: Wish, choice: Choice) -> None:
    assert choose(LISTED, rules, wish) == choice


def test_a_single_idp_is_never_asked_about() -> None:
    assert choose((CORP,), ANY, Wish(must_ask=True)) == Go(idp=CORP)


@pytest.mark.parametrize(
    "address",
    [
        "x@evil-lab.example",
        "x@sub.lab.example",
        "x@lab.example@evil.example",
        "lab.example",
        "@lab.example",
        "x@",
        "",
    ],
)
def test_a_domain_is_matched_exactly(address: str) -> None:
    assert by_address(address, ANY) is None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("alice@example.com", "alice@example.com"),
        ("  alice ", "alice"),
        ("Zoë", "Zoë"),
        ("", None),
        (None, None),
        ("   ", None),
        ("a\r\nb", None),
        ("a\x00b", None),
        ("a" * 321, None),
    ],
)
def test_a_hint_is_one_short_printable_line(text: str | None, hint: str | None) -> None:
    assert safe_hint(text) == hint
