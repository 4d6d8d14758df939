"""Models whose layers are partly on the disk, through accelerate: the same patterns, logits and address."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import byte_bpe, random_ids, tiny_model

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models import sharded
from attndsl.models.corpus import Text
from attndsl.models.extract import extract, patterns_of
from attndsl.models.load import load_model

pytestmark = pytest.mark.integration

HEADS = [(2, 3), (0, 0), (1, 2)]


def saved(name: str, folder: Path) -> str:
    tiny_model(name).save_pretrained(folder)
    byte_bpe().save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_layers_on_the_disk_give_the_same_patterns(name: str, tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    folder = saved(name, tmp_path / name)
    plain = load_model(folder)
    size = sum(tensor.numel() * 4 for tensor in plain.model.state_dict().values())
    parted = load_model(folder, device="sharded", max_memory={"cpu": int(size * 0.75)})
    on_disk = [where for where in parted.model.hf_device_map.values() if where == "disk"]
    assert on_disk  # or the test is about nothing
    assert any(p.device.type == "meta" for p in parted.model.parameters())
    assert parted.info == plain.info  # the fingerprint too: a run goes on with either
    ids = random_ids(1, 11)
    one, other = (patterns_of(each.model, ids[0].tolist(), HEADS) for each in (plain, parted))
    assert torch.equal(one, other)
    with torch.no_grad():
        assert torch.equal(parted.model(ids).logits, plain.model(ids).logits)
    texts = [Text("a", "The fox ran to the river.", "train")]
    stores = [extract(each, texts, tmp_path / where, heads=HEADS) for each, where in ((plain, "p"), (parted, "s"))]
    shards = [next(store.folder.glob("*.safetensors")).read_bytes() for store in stores]
    assert shards[0] == shards[1]


def test_without_accelerate_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved("llama", tmp_path)
    monkeypatch.setattr(sharded, "find_spec", lambda name: None)
    with pytest.raises(DiagnosticError, match=r"E0613.*needs accelerate"):
        load_model(folder, device="sharded")


def test_weights_that_are_nowhere_are_said() -> None:
    model = tiny_model("llama").to("meta")
    with pytest.raises(DiagnosticError, match=r"E0602.*no values for"):
        list(sharded.tensors_of(model))
