"""What an IdP says about a person."""

import pickle
from copy import deepcopy

from proxy.identity import NOT_STATED, NotStated, Subject


def test_not_stated_is_one_thing_with_a_name_of_its_own() -> None:
    assert NOT_STATED is NotStated.NOT_STATED
    assert repr(NOT_STATED) == "NOT_STATED"


def test_it_stays_itself_when_copied() -> None:
    assert deepcopy(NOT_STATED) is NOT_STATED
    assert pickle.loads(pickle.dumps(NOT_STATED)) is NOT_STATED


def test_a_subject_is_the_issuer_and_the_name_together() -> None:
    one, other = Subject(issuer="https://a", subject="1"), Subject(issuer="https://b", subject="1")
    assert len({one, other, Subject(issuer="https://a", subject="1")}) == 2
    assert one < other
