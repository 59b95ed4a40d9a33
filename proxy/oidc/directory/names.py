"""Group names out of a directory's answers, spelled like those of a claim (`groups/claim.py`)."""

import unicodedata
from collections.abc import Iterable

from proxy.groups.claim import is_encodable
from proxy.identity import GroupName
from proxy.oidc.directory.calls import unreadable
from proxy.provisioning.directory import Unknown


def group_names(values: Iterable[object]) -> frozenset[GroupName] | Unknown:
    """The names, or Unknown as soon as one cannot be read: half a list would take the other half away."""
    names: set[GroupName] = set()
    for value in values:
        if not isinstance(value, str) or not value.strip() or not is_encodable(value):
            return unreadable()
        names.add(GroupName(unicodedata.normalize("NFC", value).strip()))
    return frozenset(names)
