"""What an audit record is found by, and how it is written down."""

import json

from proxy.storage.audit import Marks, marks_of, record_to_text


def test_a_record_is_found_by_its_event_person_and_account() -> None:
    record = {
        "event": "join",
        "issuer": "https://idp.example",
        "subject": "ada",
        "account": "7",
        "group": "ops",
    }
    assert marks_of(record) == Marks(event="join", issuer="https://idp.example", subject="ada", account="7")


def test_what_a_record_does_not_name_is_none() -> None:
    assert marks_of({}) == Marks(event="", issuer=None, subject=None, account=None)


def test_the_accounts_state_at_a_sign_in_is_no_account() -> None:
    assert marks_of({"event": "sign_in", "account": "ready"}).account is None


def test_a_record_is_text_that_reads_back_and_keeps_every_letter() -> None:
    record = {"event": "join", "groups": ["Ärzte"], "at": 1.5}
    assert json.loads(record_to_text(record)) == record
    assert "Ärzte" in record_to_text(record)


def test_what_json_does_not_know_is_written_as_its_name() -> None:
    assert json.loads(record_to_text({"event": "rule", "path": frozenset()})) == {
        "event": "rule",
        "path": "frozenset()",
    }
