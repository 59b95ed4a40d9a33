"""Fixtures of the real partners; a test that lacks one is skipped with what is missing, by name."""

from collections.abc import Iterator

import pytest

from tests.partners import oidc_provider as partner
from tests.partners.oidc_provider import OidcProvider


@pytest.fixture
def oidc_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    """The certified IdP, fresh: starting it takes half a second, and a test may stop it."""
    if (lack := partner.missing()) is not None:
        pytest.skip(lack)
    with OidcProvider(tmp_path_factory.mktemp("oidc-provider")) as running:
        yield running
