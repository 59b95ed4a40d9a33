"""Entries and bindings as JSON text: what Redis keeps of them. They hold no token; an operator may read them."""

import json
from typing import Any

from proxy.groups.rules import RoleName
from proxy.identity import Subject
from proxy.provisioning.model import AccountId, Binding, Entry, EntryState
from proxy.reasons import Reason
from proxy.storage.redis.entry_steps import Kept
from proxy.storage.statements import statements_from_json, statements_to_json


def kept_to_text(kept: Kept) -> str:
    entry = kept.entry
    return _text(
        {
            "id": entry.id,
            "account": entry.account_id,
            "asking": [kept.asking.issuer, kept.asking.subject] if kept.asking else None,
            "statements": statements_to_json(entry.statements),
            "state": entry.state.value,
            "version": entry.version,
            "attempts": entry.attempts,
            "next_attempt_at": entry.next_attempt_at,
            "reason": entry.reason.value if entry.reason else None,
            "detail": entry.detail,
            "creating": entry.creating,
            "since": entry.since,
            "is_bulk": kept.is_bulk,
        }
    )


def kept_from_text(text: str | bytes) -> Kept:
    document = json.loads(text)
    asking = document["asking"]
    return Kept(
        entry=_entry(document),
        asking=Subject(issuer=asking[0], subject=asking[1]) if asking else None,
        is_bulk=document["is_bulk"],
    )


def binding_to_text(binding: Binding) -> str:
    """All but the subject, which the record's key names."""
    return _text(
        {
            "account": binding.account_id,
            "login": binding.login,
            "granted_role": binding.granted_role,
            "is_blocked": binding.is_blocked,
        }
    )


def binding_from_text(subject: Subject, text: str | bytes) -> Binding:
    document = json.loads(text)
    role = document["granted_role"]
    return Binding(
        subject=subject,
        account_id=AccountId(document["account"]),
        login=document["login"],
        granted_role=None if role is None else RoleName(role),
        is_blocked=document["is_blocked"],
    )


def _entry(document: dict[str, Any]) -> Entry:
    account, reason = document["account"], document["reason"]
    return Entry(
        id=document["id"],
        account_id=None if account is None else AccountId(account),
        statements=statements_from_json(document["statements"]),
        state=EntryState(document["state"]),
        version=document["version"],
        attempts=document["attempts"],
        next_attempt_at=document["next_attempt_at"],
        reason=None if reason is None else Reason(reason),
        detail=document["detail"],
        creating=document["creating"],
        since=document["since"],
    )


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))
