"""A shard that is written pattern by pattern is the shard that is written at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attndsl.runtime.shard_writer import PlannedText, ShardWriter
from attndsl.runtime.shards import Shard, StoredText, write_shard


def texts() -> dict[str, StoredText]:
    random = np.random.default_rng(0)
    return {
        f"k{n}": StoredText(np.arange(n, dtype=np.int64), random.random((3, n, n), np.float32), {"text": f"é{n}"})
        for n in (1, 4, 7)
    }


def written(path: Path, given: dict[str, StoredText], places: list[int]) -> None:
    planned = {key: PlannedText(text.ids, text.facts) for key, text in given.items()}
    with ShardWriter(path, 3, planned) as writer:
        for key, text in given.items():
            for place in places:
                writer.put(key, place, text.patterns[place])
    assert path.stat().st_size == writer.bytes


def test_the_same_texts_in_any_order_of_heads(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    given = texts()
    write_shard(tmp_path / "whole.safetensors", given)
    written(tmp_path / "parts.safetensors", given, [2, 0, 1])
    whole, parts = load_file(tmp_path / "whole.safetensors"), load_file(tmp_path / "parts.safetensors")
    assert list(whole) == list(parts)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)
    shard = Shard(tmp_path / "parts.safetensors")
    for key, text in given.items():
        shard.check(key)
        assert shard.facts(key) == text.facts
    written(tmp_path / "again.safetensors", given, [0, 1, 2])
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "parts.safetensors").read_bytes()


def test_a_pattern_that_is_missing_or_of_another_size(tmp_path: Path) -> None:
    given = texts()
    with pytest.raises(ValueError, match="has 2 of 3 patterns"):
        written(tmp_path / "x.safetensors", given, [0, 1])
    with (
        pytest.raises(ValueError, match="4 tokens"),
        ShardWriter(tmp_path / "x.safetensors", 3, {"k": PlannedText(np.arange(4), {})}) as writer,
    ):
        writer.put("k", 0, np.zeros((3, 3), np.float32))
