"""What clients may send to the pages, at random: never a bug, never another origin, never a session out of nothing."""

from urllib.parse import quote, urlsplit

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.session.codec import KeyRing, SealingKey
from proxy.session.model import SessionKey
from proxy.web import attempts
from proxy.web.cookies import read_cookies, sole_value
from proxy.web.guard import form_token, is_form_token, is_own_request
from proxy.web.parts import OWN
from proxy.web.sign_in import landing
from tests.fakes.web import PUBLIC, Control

RING = KeyRing(keys=(SealingKey(secret=b"k" * 32),))
MINE = SessionKey("a" * 64)
ANY_TARGET = st.one_of(
    st.text(max_size=60),
    st.builds(
        lambda start, rest: start + rest,
        st.sampled_from(["/", "//", "/\\", "\\", "https:", "/_muster/"]),
        st.text(max_size=30),
    ),
)
UNHURRIED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@given(ANY_TARGET)
@example("//evil.example/")
@example("/\\evil.example/")
@example("/\t/evil.example/")
@example("/%2f/evil.example")
@example("/_muster/sign-in?return_to=/")
def test_a_landing_is_always_a_path_of_ours(target: str) -> None:
    end = landing(target)
    parts = urlsplit(PUBLIC + end)
    assert end.startswith("/")
    assert not end.startswith("//")
    assert "\\" not in end
    assert end.isascii()
    assert end.isprintable()
    assert f"{parts.scheme}://{parts.netloc}" == PUBLIC
    assert not parts.path.startswith(f"{OWN}/") or parts.path == f"{OWN}/profile"


@given(st.lists(st.text(max_size=80), max_size=5))
@example(["=", ";;", "a==;=b"])
def test_any_cookie_header_is_read_without_a_fault(headers: list[str]) -> None:
    cookies = read_cookies(headers)
    assert all(values for values in cookies.values())


@given(st.text(alphabet=st.characters(exclude_characters=";"), max_size=40), st.text(max_size=40))
def test_our_cookie_is_found_after_anything_else(before: str, other: str) -> None:
    headers = [f"{before}; __Host-muster=ours", f"zz={other.replace(';', '')}"]
    assert sole_value(read_cookies(headers), "__Host-muster") in {"ours", None}
    if "__Host-muster" not in before:
        assert sole_value(read_cookies(headers), "__Host-muster") == "ours"


@given(st.text(max_size=80))
def test_no_text_but_the_token_is_the_token(text: str) -> None:
    assert is_form_token(RING, MINE, text) is (text == form_token(RING, MINE))


@given(st.text(max_size=40), st.sampled_from([None, "same-origin", "none"]))
def test_no_other_origin_is_ours(origin: str, site: str | None) -> None:
    assert is_own_request(origin, site, PUBLIC) is (origin.strip().lower() == PUBLIC)


@given(st.text(max_size=50), st.text(max_size=200))
def test_no_text_opens_as_an_attempt(state: str, value: str) -> None:
    assert attempts.opened(Control().parts, state, value) is None


@UNHURRIED
@given(
    st.dictionaries(
        st.sampled_from(["state", "code", "iss", "error", "x", ""]), st.text(max_size=40), max_size=5
    )
)
async def test_any_callback_is_an_answer_and_makes_no_session(parameters: dict[str, str]) -> None:
    async with Control() as control:
        query = "&".join(
            f"{quote(name, errors='replace')}={quote(value, errors='replace')}"
            for name, value in parameters.items()
        )
        told = await control.ask(f"/_muster/callback?{query}")
        assert told.status == 400
        assert control.sessions.sessions == {}
        assert control.flow.redeemed == []
        assert control.journal.bugs == []


@UNHURRIED
@given(st.binary(max_size=60))
async def test_any_bytes_in_a_callback_are_no_bug(query: bytes) -> None:
    async with Control() as control:
        told = await control.ask("/_muster/callback?state=" + quote(query))
        assert told.status == 400
        assert control.journal.bugs == []


@UNHURRIED
@given(
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=";,"), max_size=60)
)
async def test_any_cookie_is_no_session_on_any_page(value: str) -> None:
    async with Control() as control:
        control.cookies["__Host-muster"] = value
        assert (await control.ask("/_muster/profile")).status == 303
        assert control.journal.bugs == []
