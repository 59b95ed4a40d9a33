"""A directory whose answers are heard: whoever asks it, an operator learns of a directory that cannot answer."""

from typing import Protocol

from proxy.identity import GroupName, IdpId, Subject
from proxy.provisioning.directory import Active, Directory, Standing, Unknown


class Hears(Protocol):
    """Log and alarm; hears everything but that somebody is active."""

    def directory_answered(self, idp: IdpId, subject: Subject, standing: Standing) -> None: ...


class HeardDirectory:
    """Meets `Directory`, and is one."""

    def __init__(self, directory: Directory, idp: IdpId, hears: Hears) -> None:
        self._directory = directory
        self._idp = idp
        self._hears = hears

    async def ask(self, subject: Subject, email: str | None, *, directory_id: str | None = None) -> Standing:
        standing = await self._directory.ask(subject, email, directory_id=directory_id)
        if not isinstance(standing, Active):
            self._hears.directory_answered(self._idp, subject, standing)
        return standing

    async def groups(
        self, subject: Subject, email: str | None, *, directory_id: str | None = None
    ) -> frozenset[GroupName] | Unknown:
        groups = await self._directory.groups(subject, email, directory_id=directory_id)
        if isinstance(groups, Unknown):
            self._hears.directory_answered(self._idp, subject, groups)
        return groups
