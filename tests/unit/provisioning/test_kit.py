"""The journal writes who, what, why and when."""

from dataclasses import fields

from proxy.provisioning.kit import Journal
from proxy.provisioning.model import AccountId
from proxy.reasons import Reason
from tests.fakes.provisioning import NOW, Scene, subject


def test_a_record_names_the_person_the_account_and_the_time() -> None:
    scene = Scene()
    journal = Journal(scene.courier()._kit, subject())
    journal.account = AccountId("7")
    journal.write("join", Reason.LINKED, cause="okta group 'a'", after="team")
    (record,) = scene.audit
    assert (record.when, record.subject, record.account) == (NOW, subject(), "7")
    assert (record.operation, record.reason, record.cause) == ("join", Reason.LINKED, "okta group 'a'")
    assert (record.outcome, record.before, record.after) == ("done", "", "team")
    assert len(fields(record)) == 9
