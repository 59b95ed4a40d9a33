"""Each product's rules open that product's directory; the IdP's authorities are used."""

from pathlib import Path

import pytest

from proxy.errors import SettingsError
from proxy.identity import IdpId
from proxy.oidc.directory.opening import open_directory
from proxy.oidc.directory.rules import DirectoryRules
from proxy.oidc.rules import IdpRules
from proxy.oidc.transport import open_session
from proxy.provisioning.directory import Active
from tests.fakes.directories import EMAIL, PRODUCTS, FakeDirectory, FakeKeycloak, asking
from tests.fakes.idp import NOW


@pytest.mark.parametrize("product", PRODUCTS)
async def test_each_product_is_asked_in_its_own_way(product: type[FakeDirectory]) -> None:
    async with asking(product()) as asked:
        assert await asked.directory.ask(asked.subject, EMAIL, directory_id=asked.directory_id) == Active()
        assert asked.fake.count("user") == 1


async def test_the_idps_own_authorities_are_trusted(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    idp = IdpRules(
        id=IdpId("corp"), name="Corp", issuer="https://i", client_id="c", ca_file=str(tmp_path / "ca.pem")
    )
    async with open_session() as http:
        with pytest.raises(SettingsError, match="certificates"):
            open_directory(DirectoryRules(product=FakeKeycloak().rules()), idp, http, clock=lambda: NOW)
