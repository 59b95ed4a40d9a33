"""What is asked to take a claim, and what its reply means; what the script does is told by `tests/contract/test_claims.py`."""

import re

from proxy.provisioning.model import EntryState
from proxy.provisioning.outbox import Claim
from proxy.storage.redis.claim_script import claimed, claiming
from proxy.storage.redis.entry_steps import begun
from proxy.storage.redis.entry_text import kept_to_text
from proxy.storage.redis.outbox_keys import OutboxKeys
from tests.contract.records import NOW, subject, vouched

KEYS = OutboxKeys(prefix="one")


def asked(entry_id: int | None = None) -> list[str]:
    command = claiming(KEYS, holder="h", now=NOW, until=NOW + 20, entry_id=entry_id)
    return [str(word) for word in command]


def test_the_queues_are_named_in_the_order_in_which_they_are_served() -> None:
    _, _, count, *words = asked()
    assert words[: int(count)] == [
        KEYS.state(EntryState.OPEN),
        KEYS.later(0),
        KEYS.waiting(0),
        KEYS.later(1),
        KEYS.waiting(1),
    ]


def test_the_keys_that_the_script_makes_are_those_of_entry_and_claim() -> None:
    entries, claims = asked(7)[-3:-1]
    assert entries + asked(7)[-1] == KEYS.entry(7)
    assert claims + asked(7)[-1] == KEYS.claim(7)


def test_without_a_name_none_is_asked_for() -> None:
    assert asked()[-1] == ""


def test_every_argument_that_the_script_reads_is_given() -> None:
    _, script, count, *words = asked()
    read = {int(number) for number in re.findall(r"ARGV\[(\d)\]", script)}
    assert read == set(range(1, len(words) - int(count) + 1))


def test_a_reply_is_a_claim_on_what_the_record_says() -> None:
    kept = begun(7, None, subject(), (vouched(groups={"a"}),), NOW)
    reply = [kept_to_text(kept).encode(), 3]
    assert claimed(reply, holder="h", until=NOW + 20) == Claim(
        entry=kept.entry, holder="h", token=3, until=NOW + 20
    )


def test_no_reply_is_no_claim() -> None:
    assert claimed(None, holder="h", until=NOW + 20) is None
