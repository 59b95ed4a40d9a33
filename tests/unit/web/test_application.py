import pytest

from tests.fakes.web import Control

PAGES = ["sign-in", "callback", "sign-out", "signed-out", "profile", "livez", "readyz", "static/muster.css"]


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_is_there(page: str) -> None:
    async with Control() as control:
        assert (await control.ask(f"/_muster/{page}")).status != 404


@pytest.mark.parametrize(
    "path", ["/_muster/", "/_muster/nothing", "/_muster/sign-in/", "/_muster/static/../x", "/"]
)
async def test_anything_else_is_a_404_page(path: str) -> None:
    async with Control() as control:
        told = await control.ask(path)
        assert told.status == 404
        assert "There is no such page" in told.text


@pytest.mark.parametrize("page", ["sign-in", "callback", "profile", "signed-out"])
async def test_only_signing_out_takes_a_post(page: str) -> None:
    async with Control() as control:
        assert (await control.ask(f"/_muster/{page}", method="POST")).status == 404


@pytest.mark.parametrize("page", ["sign-out", "signed-out", "profile", "callback"])
async def test_every_page_is_strict(page: str) -> None:
    async with Control() as control:
        control.sign_in_directly()
        told = await control.ask(f"/_muster/{page}")
        assert "default-src 'none'" in told.headers["Content-Security-Policy"]
        assert told.headers["Cache-Control"] == "no-store"
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script" not in told.text
        assert "style=" not in told.text
        assert "<style" not in told.text


async def test_the_stylesheet_may_be_kept() -> None:
    async with Control() as control:
        told = await control.ask("/_muster/static/muster.css")
        assert told.headers["Content-Type"].startswith("text/css")
        assert "max-age" in told.headers["Cache-Control"]
        assert "prefers-color-scheme: dark" in told.text


async def test_host_is_never_believed() -> None:
    async with Control() as control:
        told = await control.ask(
            "/_muster/profile", headers={"Sec-Fetch-Mode": "navigate", "Host": "evil.example"}
        )
        assert told.location.startswith("https://app.example.com/")
