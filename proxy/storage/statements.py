"""Statements as JSON text, as every engine keeps them. They hold no token; an operator may read them."""

import json
from typing import Any

from proxy.identity import IdpId, Subject
from proxy.provisioning.model import Removed, Statement, Vouched
from proxy.reasons import Reason
from proxy.session.codec import groups_from_json, groups_to_json, identity_from_json, identity_to_json


def statements_to_text(statements: tuple[Statement, ...]) -> str:
    return json.dumps(statements_to_json(statements), separators=(",", ":"))


def statements_from_text(text: str) -> tuple[Statement, ...]:
    return statements_from_json(json.loads(text))


def statements_to_json(statements: tuple[Statement, ...]) -> list[dict[str, Any]]:
    return [_to_json(statement) for statement in statements]


def statements_from_json(documents: list[dict[str, Any]]) -> tuple[Statement, ...]:
    return tuple(_from_json(document) for document in documents)


def _to_json(statement: Statement) -> dict[str, Any]:
    return {
        "source": statement.source,
        "subject": [statement.subject.issuer, statement.subject.subject],
        "says": _says_to_json(statement.says),
        "at": statement.at,
        "known_groups": groups_to_json(statement.known_groups),
        "not_stated_since": statement.not_stated_since,
        "seq": statement.seq,
    }


def _from_json(document: dict[str, Any]) -> Statement:
    issuer, subject = document["subject"]
    return Statement(
        source=IdpId(document["source"]),
        subject=Subject(issuer=issuer, subject=subject),
        says=_says_from_json(document["says"]),
        at=document["at"],
        known_groups=groups_from_json(document["known_groups"]),
        not_stated_since=document["not_stated_since"],
        seq=document["seq"],
    )


def _says_to_json(says: Vouched | Removed) -> dict[str, Any]:
    match says:
        case Vouched(identity=identity):
            return {"vouched": identity_to_json(identity)}
        case Removed(reason=reason):
            return {"removed": reason.value}


def _says_from_json(document: dict[str, Any]) -> Vouched | Removed:
    if "vouched" in document:
        return Vouched(identity=identity_from_json(document["vouched"]))
    return Removed(reason=Reason(document["removed"]))
