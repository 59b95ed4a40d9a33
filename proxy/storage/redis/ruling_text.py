"""Rulings as JSON text: links, denials and the switch, each with who ruled it and when."""

import json
from typing import Any

from proxy.groups.links import normal
from proxy.groups.rules import AppGroupName, Link, LinkMode
from proxy.groups.stored import Origin, StoredDenial, StoredLink, Switch
from proxy.identity import GroupName, IdpId


def origin_to_json(origin: Origin) -> dict[str, Any]:
    return {"by": origin.by, "at": origin.at}


def link_to_text(link: Link, origin: Origin) -> str:
    """All but the app group, under which it is kept."""
    document = {
        "idp_groups": sorted(link.idp_groups),
        "mode": link.mode.value,
        "idps": sorted(link.idps),
        **origin_to_json(origin),
    }
    return json.dumps(document)


def link_from_text(group: str, text: bytes | str) -> StoredLink:
    document = json.loads(text)
    link = Link(
        app_group=AppGroupName(normal(AppGroupName(group))),
        idp_groups=frozenset(map(GroupName, document["idp_groups"])),
        mode=LinkMode(document["mode"]),
        idps=frozenset(map(IdpId, document["idps"])),
    )
    return StoredLink(link=link, origin=_origin(document))


def denial_from_text(who: str, text: bytes | str) -> StoredDenial:
    return StoredDenial(who=who, origin=_origin(json.loads(text)))


def switch_from_text(text: bytes | str | None) -> Switch | None:
    """None where nobody ever switched."""
    if text is None:
        return None
    document = json.loads(text)
    return Switch(is_on=document["is_on"], origin=_origin(document))


def _origin(document: dict[str, Any]) -> Origin:
    return Origin(by=document["by"], at=document["at"])
