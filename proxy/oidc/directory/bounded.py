"""The port over any product: who is asked about, for how long at most, and what a 404 to the groups question is.

| the id                                                     | then                                             |
|------------------------------------------------------------|--------------------------------------------------|
| stated in the sign-in (`directory_id`)                     | that one                                         |
| not stated, and subjects are ids here                      | the subject                                      |
| not stated otherwise (a session from before the setting)   | Unknown, not covered: `id_not_stated`            |
| not spelled like an id of this product                     | Unknown, misconfigured: `id_of_another_kind`     |
"""

import asyncio
import re
from collections.abc import Awaitable
from typing import Final, Protocol, TypeVar

from proxy.identity import GroupName, Subject
from proxy.oidc.directory.calls import Missing
from proxy.oidc.directory.proof import misconfigured
from proxy.provisioning.directory import Cause, Standing, Unknown

ANY_ID: Final = re.compile(r"(?!\.{1,2}\Z)[^\x00-\x20\x7f]{1,255}")
"""An id that may stand in a path; dots alone would climb."""

T = TypeVar("T")


class Product(Protocol):
    """One IdP's API. `person` is an id as that IdP spells it."""

    async def standing(self, person: str, email: str | None) -> Standing: ...

    async def groups(self, person: str) -> frozenset[GroupName] | Missing | Unknown: ...


class BoundedDirectory:
    """Meets `Directory`: both questions end within `timeout` seconds, whatever the product does."""

    def __init__(
        self, product: Product, *, spelling: re.Pattern[str], is_subject_id: bool, timeout: float
    ) -> None:
        self._product = product
        self._spelling = spelling
        self._is_subject_id = is_subject_id
        self._timeout = timeout

    async def ask(self, subject: Subject, email: str | None, *, directory_id: str | None = None) -> Standing:
        person = self._person(subject, directory_id)
        if isinstance(person, Unknown):
            return person
        return await self._in_time(self._product.standing(person, email))

    async def groups(
        self, subject: Subject, email: str | None, *, directory_id: str | None = None
    ) -> frozenset[GroupName] | Unknown:
        person = self._person(subject, directory_id)
        if isinstance(person, Unknown):
            return person
        groups = await self._in_time(self._product.groups(person))
        # Somebody who is not found has no known groups: whether they left is asked by `ask`, with its proof.
        return Unknown(detail=groups.code) if isinstance(groups, Missing) else groups

    def _person(self, subject: Subject, directory_id: str | None) -> str | Unknown:
        person = directory_id or (subject.subject if self._is_subject_id else None)
        if person is None:
            return Unknown(detail="id_not_stated", cause=Cause.NOT_COVERED)
        return person if self._spelling.fullmatch(person) else misconfigured("id_of_another_kind")

    async def _in_time(self, question: Awaitable[T]) -> T | Unknown:
        try:
            async with asyncio.timeout(self._timeout):
                return await question
        except TimeoutError:
            return Unknown(detail="timeout")
