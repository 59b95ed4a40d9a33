"""Statements come back from their text as they were."""

import json

from hypothesis import given
from hypothesis import strategies as st

from proxy.identity import NOT_STATED, GroupName, Identity, IdpId, Subject
from proxy.provisioning.model import Removed, Statement, Vouched
from proxy.reasons import Reason
from proxy.storage.statements import statements_from_text, statements_to_text
from tests.contract.records import removed, vouched

TEXT = st.text(max_size=12)
GROUPS = st.just(NOT_STATED) | st.frozensets(TEXT.map(GroupName), max_size=3)
TIMES = st.floats(allow_nan=False, allow_infinity=False)
SUBJECTS = st.builds(Subject, issuer=TEXT, subject=TEXT)
IDENTITIES = st.builds(
    Identity,
    subject=SUBJECTS,
    idp=TEXT.map(IdpId),
    email=st.none() | TEXT,
    is_email_verified=st.booleans(),
    name=st.none() | TEXT,
    username=st.none() | TEXT,
    groups=GROUPS,
    stated_at=TIMES,
    hosted_domain=st.none() | TEXT,
)
STATEMENTS = st.builds(
    Statement,
    source=TEXT.map(IdpId),
    subject=SUBJECTS,
    says=st.builds(Vouched, identity=IDENTITIES) | st.builds(Removed, reason=st.sampled_from(Reason)),
    at=TIMES,
    known_groups=GROUPS,
    not_stated_since=st.none() | TIMES,
    seq=st.integers(0, 2**63 - 1),
)


@given(st.lists(STATEMENTS, max_size=4).map(tuple))
def test_any_statements_come_back_exactly(statements: tuple[Statement, ...]) -> None:
    assert statements_from_text(statements_to_text(statements)) == statements


def test_silence_and_the_empty_set_stay_apart() -> None:
    silent, nobody = statements_from_text(
        statements_to_text((vouched(groups=NOT_STATED), vouched(groups=set())))
    )
    assert isinstance(silent.says, Vouched)
    assert isinstance(nobody.says, Vouched)
    assert silent.says.identity.groups is NOT_STATED
    assert nobody.says.identity.groups == frozenset()


def test_the_text_is_json_that_an_operator_can_read() -> None:
    (document,) = json.loads(statements_to_text((removed(),)))
    assert document["says"] == {"removed": "idp_denied"}
    assert document["subject"] == ["https://corp.example.com", "ada"]
