"""An audit record is a value without secrets."""

from dataclasses import fields

from proxy.provisioning.audit import AuditRecord
from proxy.reasons import Reason


def test_a_record_is_plain_until_told_more() -> None:
    record = AuditRecord(when=1.0, subject=None, account=None, operation="join", reason=Reason.LINKED)
    assert (record.cause, record.outcome, record.before, record.after) == ("", "done", "", "")


def test_no_field_is_made_for_a_secret() -> None:
    names = {field.name for field in fields(AuditRecord)}
    assert not {name for name in names if "token" in name or "password" in name or "secret" in name}
