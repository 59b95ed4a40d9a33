"""The records are values: equal by contents, never changed, and without a secret to leak."""

import dataclasses

import pytest

from proxy.provisioning import model
from proxy.provisioning.model import Archive, Because, Entitlement, Step
from proxy.reasons import Reason
from tests.fakes.provisioning import binding, removed, vouched

RECORDS = [one for one in vars(model).values() if dataclasses.is_dataclass(one)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda one: one.__name__)
def test_every_record_is_frozen_and_named_by_keyword(record: type) -> None:
    assert record.__dataclass_params__.frozen  # type: ignore[attr-defined]  # what dataclasses record of themselves
    assert all(field.kw_only for field in dataclasses.fields(record))


def test_a_step_takes_nothing_away_unless_it_says_so() -> None:
    because = Because(reason=Reason.PLANNED, about="x")
    assert not Step(operation=Archive(account=model.AccountId("1")), because=because).takes_away


def test_equal_contents_are_equal_records() -> None:
    assert vouched() == vouched() != removed()
    assert len({binding(), binding()}) == 1


def test_what_belongs_to_groups_is_found_here_too() -> None:
    assert model.Entitlement is Entitlement
    assert model.Because is Because
