"""Who is asked about, how long at most, and what a missing person's groups are."""

import asyncio
import re

import pytest

from proxy.identity import GroupName, Subject
from proxy.oidc.directory.bounded import ANY_ID, BoundedDirectory
from proxy.oidc.directory.calls import Missing
from proxy.provisioning.directory import Active, Cause, Standing, Unknown
from tests.fakes.idp import named

ALICE = Subject(issuer="https://idp.example.com", subject="sub-alice")


class Script:
    """A product that remembers whom it was asked about."""

    def __init__(self, groups: frozenset[GroupName] | Missing | Unknown = frozenset()) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.answer = groups
        self.wait = 0.0

    async def standing(self, person: str, email: str | None) -> Standing:
        self.asked.append((person, email))
        await asyncio.sleep(self.wait)
        return Active()

    async def groups(self, person: str) -> frozenset[GroupName] | Missing | Unknown:
        self.asked.append((person, None))
        await asyncio.sleep(self.wait)
        return self.answer


def bounded(
    script: Script, *, spelling: str | None = None, is_subject_id: bool = True, timeout: float = 5.0
) -> BoundedDirectory:
    pattern = ANY_ID if spelling is None else re.compile(spelling)
    return BoundedDirectory(script, spelling=pattern, is_subject_id=is_subject_id, timeout=timeout)


@pytest.mark.parametrize(
    ("stated", "is_subject_id", "person"),
    [
        ("id-7", True, "id-7"),
        ("id-7", False, "id-7"),
        (None, True, "sub-alice"),
        ("", True, "sub-alice"),
    ],
)
async def test_who_is_asked_about(stated: str | None, is_subject_id: bool, person: str) -> None:
    script = Script()
    directory = bounded(script, is_subject_id=is_subject_id)
    assert await directory.ask(ALICE, "a@x", directory_id=stated) == Active()
    assert await directory.groups(ALICE, "a@x", directory_id=stated) == named()
    assert script.asked == [(person, "a@x"), (person, None)]


async def test_nobody_is_asked_about_without_an_id() -> None:
    script = Script()
    directory = bounded(script, is_subject_id=False)
    unknown = Unknown(detail="id_not_stated", cause=Cause.NOT_COVERED)
    assert await directory.ask(ALICE, "a@x") == unknown
    assert await directory.groups(ALICE, "a@x") == unknown
    assert script.asked == []


async def test_an_id_of_another_spelling_is_misconfigured() -> None:
    script = Script()
    unknown = await bounded(script, spelling="[0-9]+").ask(ALICE, None, directory_id="12a")
    assert unknown == Unknown(detail="id_of_another_kind", cause=Cause.MISCONFIGURED)
    assert script.asked == []


@pytest.mark.parametrize("person", ["a", "f:uuid:a/b", "...", ".a", "é", "x" * 255])
def test_what_may_be_an_id(person: str) -> None:
    assert ANY_ID.fullmatch(person)


@pytest.mark.parametrize("person", ["", ".", "..", "a b", "a\n", "\x00", "x" * 256])
def test_what_may_not(person: str) -> None:
    assert not ANY_ID.fullmatch(person)


async def test_both_questions_end_in_time() -> None:
    script = Script()
    script.wait = 60.0
    directory = bounded(script, timeout=0.01)
    assert await directory.ask(ALICE, None) == Unknown(detail="timeout")
    assert await directory.groups(ALICE, None) == Unknown(detail="timeout")


async def test_groups_of_somebody_missing_are_unknown() -> None:
    assert await bounded(Script(Missing(code="http_404"))).groups(ALICE, None) == Unknown(detail="http_404")
    trouble = Unknown(detail="http_500")
    assert await bounded(Script(trouble)).groups(ALICE, None) == trouble
