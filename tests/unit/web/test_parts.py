from proxy.web.parts import Site
from tests.fakes.web import Control


def test_addresses_start_with_the_public_url() -> None:
    site = Site(public_url="https://app.example.com:8443", is_cookie_secure=True)
    assert site.url("/x") == "https://app.example.com:8443/x"
    assert site.app_name == "app.example.com"


def test_the_cookie_is_a_host_cookie_where_it_can_be() -> None:
    assert Site(public_url="https://a", is_cookie_secure=True).cookie_name == "__Host-muster"
    assert Site(public_url="http://a", is_cookie_secure=False).cookie_name == "muster"


async def test_keys_stay_out_of_the_parts_repr() -> None:
    async with Control() as control:
        assert "kkkk" not in repr(control.parts)
