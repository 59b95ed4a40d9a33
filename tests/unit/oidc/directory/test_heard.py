"""Whatever a directory answers but that somebody is active is heard once, and handed on as it is."""

import pytest

from proxy.identity import GroupName, IdpId, Subject
from proxy.oidc.directory.heard import HeardDirectory
from proxy.provisioning.directory import Active, Cause, Gone, Standing, Suspended, Unknown
from tests.fakes.idp import named

ALICE = Subject(issuer="https://idp.example.com", subject="sub-alice")
CORP = IdpId("corp")
BROKEN = Unknown(detail="http_403", cause=Cause.MISCONFIGURED)


class Heard:
    def __init__(self) -> None:
        self.heard: list[tuple[IdpId, Subject, Standing]] = []

    def directory_answered(self, idp: IdpId, subject: Subject, standing: Standing) -> None:
        self.heard.append((idp, subject, standing))


class Says:
    def __init__(self, standing: Standing, groups: frozenset[GroupName] | Unknown = frozenset()) -> None:
        self.standing, self.known = standing, groups
        self.asked: list[tuple[str | None, str | None]] = []

    async def ask(self, subject: Subject, email: str | None, *, directory_id: str | None = None) -> Standing:
        self.asked.append((email, directory_id))
        return self.standing

    async def groups(
        self, subject: Subject, email: str | None, *, directory_id: str | None = None
    ) -> frozenset[GroupName] | Unknown:
        self.asked.append((email, directory_id))
        return self.known


@pytest.mark.parametrize(
    ("standing", "is_heard"),
    [(Active(), False), (Suspended(marker="x"), True), (Gone(marker="x"), True), (BROKEN, True)],
)
async def test_a_standing(standing: Standing, is_heard: bool) -> None:
    says, hears = Says(standing), Heard()
    assert await HeardDirectory(says, CORP, hears).ask(ALICE, "a@x", directory_id="7") == standing
    assert hears.heard == ([(CORP, ALICE, standing)] if is_heard else [])
    assert says.asked == [("a@x", "7")]


@pytest.mark.parametrize("groups", [named(), named("engineers"), BROKEN])
async def test_groups(groups: frozenset[GroupName] | Unknown) -> None:
    says, hears = Says(Active(), groups), Heard()
    assert await HeardDirectory(says, CORP, hears).groups(ALICE, "a@x", directory_id="7") == groups
    assert hears.heard == ([(CORP, ALICE, groups)] if isinstance(groups, Unknown) else [])
    assert says.asked == [("a@x", "7")]
