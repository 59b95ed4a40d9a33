"""The mode of a Unix socket is written in octal, as everywhere else."""

import pytest

from proxy.settings.listening import parse_mode


@pytest.mark.parametrize(("text", "bits"), [("0660", 0o660), ("600", 0o600), ("0777", 0o777)])
def test_a_mode_is_octal_text(text: str, bits: int) -> None:
    assert parse_mode(text) == bits


@pytest.mark.parametrize("wrong", [660, 0o660, "0888", "rw", "", "06600", None, "1660"])
def test_anything_else_is_refused_because_yaml_reads_660_as_a_decimal(wrong: object) -> None:
    with pytest.raises(ValueError, match="octal and in quotes"):
        parse_mode(wrong)
