"""The proofs of the front door, in small: what `make proof` does with thousands and gigabytes works with a few."""

import asyncio
from pathlib import Path

from proof import sockets, stream
from proof.fuzz import chunks
from proof.planted import FAULTS, is_found
from proof.whole import whole


def test_a_few_sockets_of_each_kind_are_held(tmp_path: Path) -> None:
    with whole("proof.sockets", tmp_path / "muster") as muster:
        for kind in sockets.kinds(muster.head):
            assert asyncio.run(sockets.held(muster, kind, 30))


def test_a_stream_is_whole_both_ways_and_leaves_muster_as_small_as_it_was(tmp_path: Path) -> None:
    with whole("proof.stream", tmp_path / "muster") as muster:
        assert asyncio.run(stream.prove(muster, 32 * 2**20))


def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    """One that shows after a few inputs; `make proof NAME=planted` has the time for all."""
    (fault,) = (fault for fault in FAULTS if fault.name == "CONNECT passes")
    assert is_found(fault, tmp_path, inputs=2000)


def test_a_million_inputs_are_played_in_chunks_of_their_own_seeds() -> None:
    assert sum(chunks(1_000_001, 1).values()) == 1_000_001
    assert list(chunks(100, 7).items()) == [(7, 100)]
