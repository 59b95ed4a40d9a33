"""Entries and bindings as text: what is read is what was written, whatever it holds."""

import json
from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED
from proxy.provisioning.model import AccountId, Binding, EntryState
from proxy.reasons import Reason
from proxy.storage.redis.entry_steps import Kept, begun
from proxy.storage.redis.entry_text import binding_from_text, binding_to_text, kept_from_text, kept_to_text
from tests.contract.records import NOW, PARTNER, binding, removed, subject, vouched

BEGUN = begun(7, None, subject(), (vouched(groups={"a", "Ärzte, b"}),), NOW + 0.123456)
BUSY = replace(
    BEGUN.entry,
    state=EntryState.PARKED,
    version=4,
    attempts=3,
    next_attempt_at=NOW + 1 / 3,
    reason=Reason.APP_TROUBLE,
    detail='503: "later"\n',
    creating="ada.l",
    since=NOW - 0.1,
)
OWNED = replace(
    BUSY, account_id=AccountId("7"), statements=(removed(), vouched(idp=PARTNER, groups=NOT_STATED))
)


@pytest.mark.parametrize(
    "kept",
    [BEGUN, replace(BEGUN, entry=BUSY, is_bulk=True), Kept(entry=OWNED, asking=None)],
    ids=["begun", "busy", "owned"],
)
def test_an_entry_reads_back_as_it_was(kept: Kept) -> None:
    assert kept_from_text(kept_to_text(kept)) == kept
    assert kept_from_text(kept_to_text(kept).encode()) == kept


def test_what_is_kept_is_plain_text_for_an_operator() -> None:
    assert kept_to_text(BEGUN).isascii()
    assert json.loads(kept_to_text(BEGUN))["asking"] == ["https://corp.example.com", "ada"]


@pytest.mark.parametrize("one", [binding(), binding(role="builder", is_blocked=True), binding("Ädä")])
def test_a_binding_reads_back_as_it_was(one: Binding) -> None:
    assert binding_from_text(one.subject, binding_to_text(one)) == one
