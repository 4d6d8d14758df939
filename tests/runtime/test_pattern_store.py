"""The pattern store: safe writing, lazy reading, damage."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime import shards
from attndsl.runtime.pattern_store import PatternStore, StoreSettings, open_store, text_key
from attndsl.runtime.shards import Shard, StoredText, write_shard

SETTINGS = StoreSettings("tiny", "f00", ((0, 0), (0, 1), (1, 0)), causal=True, dtype="float32")


def stored(n: int, seed: int = 0) -> StoredText:
    generator = np.random.default_rng(seed)
    patterns = generator.random((3, n, n), np.float32)
    return StoredText(np.arange(n, dtype=np.int64) + seed, patterns, {"text": f"text {seed}", "bos": True})


def filled(root: Path) -> PatternStore:
    store = open_store(root, SETTINGS)
    texts = {text_key(f"text {i}", range(i, i + 5 + i)): stored(5 + i, i) for i in range(3)}
    store.set_corpus((f"t{i}", "heldout" if i == 2 else "train", key) for i, key in enumerate(texts))
    keys = list(texts)
    store.add({key: texts[key] for key in keys[:2]})
    store.add({keys[2]: texts[keys[2]]})
    return store


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    folder = filled(tmp_path).folder
    store = PatternStore(folder)
    assert [(t.id, t.split, t.text, t.tokens) for t in store.texts()] == [
        ("t0", "train", "text 0", 5),
        ("t1", "train", "text 1", 6),
        ("t2", "heldout", "text 2", 7),
    ]
    assert [t.id for t in store.texts("heldout")] == ["t2"]
    assert store.texts()[0].facts == {"bos": True}
    assert store.missing() == []
    assert store.settings == SETTINGS
    for i in range(3):
        assert np.array_equal(store.ids(f"t{i}"), stored(5 + i, i).ids)
        assert np.array_equal(store.pattern(f"t{i}"), stored(5 + i, i).patterns)
    assert isinstance(store.pattern("t0"), np.memmap)
    assert not store.pattern("t0").flags.writeable
    assert np.array_equal(store.pattern("t0", [(1, 0), (0, 0)]), stored(5).patterns[[2, 0]])
    assert np.array_equal(store.pattern("t0", [(0, 1), (1, 0)]), stored(5).patterns[1:])


def test_shards_are_ordinary_safetensors_files(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    write_shard(tmp_path / "a.safetensors", {"k": stored(4), "empty": StoredText(*_empty(), {"text": ""})})
    loaded = load_file(tmp_path / "a.safetensors")
    assert np.array_equal(loaded["k.pattern"], stored(4).patterns)
    assert np.array_equal(loaded["k.ids"], stored(4).ids)
    assert loaded["empty.pattern"].shape == (3, 0, 0)
    shard = Shard(tmp_path / "a.safetensors")
    shard.check("empty")
    assert shard.length("empty") == 0


def _empty() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(0, np.int64), np.zeros((3, 0, 0), np.float32)


@pytest.mark.parametrize("keep", [0, 4, 8, 60, 0.5, -1])
def test_a_shard_cut_off_anywhere_is_missing_not_wrong(tmp_path: Path, keep: float) -> None:
    store = filled(tmp_path)
    path = max(store.folder.glob("*.safetensors"), key=lambda p: p.stat().st_size)
    size = path.stat().st_size
    os.truncate(path, int(keep * size) if isinstance(keep, float) else keep % size)
    again = PatternStore(store.folder)
    assert [path] == list(again.damaged)
    assert "E0521" in str(again.damaged[path])
    assert again.missing() == ["t0", "t1"]
    with pytest.raises(DiagnosticError, match=r"E0523.*t0"):
        again.pattern("t0")
    assert np.array_equal(again.pattern("t2"), stored(7, 2).patterns)
    again.discard_damaged()
    assert not path.exists()
    assert not again.damaged


def test_a_flipped_bit_is_found_by_the_checksum(tmp_path: Path) -> None:
    store = filled(tmp_path)
    path = max(store.folder.glob("*.safetensors"), key=lambda p: p.stat().st_size)
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    again = PatternStore(store.folder)
    with pytest.raises(DiagnosticError, match=r"E0521.*checksum"):
        again.pattern("t1")
    key = text_key("text 1", range(1, 7))
    assert not again.has(key)
    assert again.missing() == ["t0", "t1"]


@pytest.mark.parametrize(
    "garbage", [b"", b"garbage", b"\xff" * 64, b"\x02" + bytes(7) + b"{}", b"\x04" + bytes(7) + b"null"]
)
def test_garbage_among_the_shards(tmp_path: Path, garbage: bytes) -> None:
    store = filled(tmp_path)
    (store.folder / "zz.safetensors").write_bytes(garbage)
    again = PatternStore(store.folder)
    assert len(again.damaged) == 1
    assert len(again.texts()) == 3


def test_unknown_texts_heads_and_folders(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with pytest.raises(DiagnosticError, match=r"E0523.*'t9'"):
        store.pattern("t9")
    with pytest.raises(DiagnosticError, match=r"E0523.*L7H7"):
        store.pattern("t0", [(7, 7)])
    with pytest.raises(DiagnosticError, match=r"E0520.*not a pattern store"):
        PatternStore(tmp_path / "nowhere")
    (store.folder / "store.json").write_text('{"format": 99}')
    with pytest.raises(DiagnosticError, match=r"E0520.*another version"):
        PatternStore(store.folder)
    (store.folder / "store.json").write_text("[]")
    with pytest.raises(DiagnosticError, match="E0520"):
        PatternStore(store.folder)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path)
    before = sorted(path.name for path in store.folder.iterdir())

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shards.os, "fsync", full)
    with pytest.raises(DiagnosticError, match=r"E0522.*the disk is full"):
        store.add({text_key("new", [1]): stored(4)})
    assert sorted(path.name for path in store.folder.iterdir()) == before


def test_addresses() -> None:
    from dataclasses import replace

    assert SETTINGS.address == replace(SETTINGS, model="other name").address
    others = [
        replace(SETTINGS, fingerprint="f01"),
        replace(SETTINGS, heads=((0, 0),)),
        replace(SETTINGS, dtype="bfloat16"),
    ]
    assert len({SETTINGS.address, *(other.address for other in others)}) == 4
    assert text_key("a", [1, 2]) != text_key("a", [1, 3]) != text_key("b", [1, 3])


def test_reading_needs_no_model_library() -> None:
    import subprocess
    import sys

    program = (
        "import sys, attndsl.runtime.pattern_store\n"
        "assert not {'torch', 'transformers', 'safetensors'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
