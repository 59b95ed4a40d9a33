from pathlib import Path

import pytest

from proxy.demo.child import ChildDied, MusterChild


def child(folder: Path) -> MusterChild:
    config = folder / "muster.yaml"
    config.write_text("nonsense: true\n")
    return MusterChild(config, address="http://127.0.0.1:1", log=folder / "muster.log")


async def test_a_child_that_ends_by_itself_says_why(tmp_path: Path) -> None:
    muster = child(tmp_path)
    with pytest.raises(ChildDied, match="nonsense"):
        await muster.start()
    assert await muster.stop() == 2
    assert await muster.ended() == 2


async def test_stopping_what_never_started_is_harmless(tmp_path: Path) -> None:
    assert await child(tmp_path).stop() == 0


def test_the_log_is_read_by_its_json_lines(tmp_path: Path) -> None:
    muster = child(tmp_path)
    assert muster.tail() == ""
    muster.log.write_text('{"a": 1}\nno json\n[2]\n{"b": 3}\n')
    assert list(muster.records()) == [{"a": 1}, {"b": 3}]
    assert muster.tail(2) == '[2]\n{"b": 3}'
