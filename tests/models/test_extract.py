"""Patterns out of models and into the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import CAUSAL, ENCODERS, LINES, byte_bpe, random_ids, tiny_model, wordpiece

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models import extract as extraction
from attndsl.models.corpus import Text
from attndsl.models.extract import extract, patterns_of
from attndsl.models.layout import find_layout
from attndsl.models.load import LoadedModel, describe
from attndsl.runtime.pattern_store import PatternStore

pytestmark = pytest.mark.integration

TEXTS = [Text(f"t{i}", line, "heldout" if i == 4 else "train") for i, line in enumerate(LINES)]


def loaded(name: str = "llama", tokenizer: Any = None) -> LoadedModel:
    model = tiny_model(name)
    layout = find_layout(model)
    return LoadedModel(model, tokenizer or byte_bpe(), describe(model, layout, name), layout)


@pytest.mark.parametrize("name", [*CAUSAL, *ENCODERS])
def test_patterns_are_those_that_eager_attention_reports(name: str) -> None:
    model = tiny_model(name)
    ids = random_ids(1, 11)
    heads = [(2, 3), (0, 0), (1, 2)]
    found = patterns_of(model, ids[0].tolist(), heads)
    twin = tiny_model(name, attention="eager")
    with torch.no_grad():
        wanted = twin(ids, output_attentions=True).attentions
    assert torch.equal(found, torch.stack([wanted[layer][0, head] for layer, head in heads]))
    assert found.std() > 0.02  # far from uniform, so that a mix-up of heads would show
    assert find_layout(model).causal == (name in CAUSAL)


def test_everything_in_the_store_is_the_pattern_of_its_text(tmp_path: Path) -> None:
    model = loaded("bert", wordpiece())
    store = extract(model, TEXTS, tmp_path)
    again = PatternStore(store.folder)
    assert [text.text for text in again.texts()] == LINES
    assert again.texts()[0].facts == {"bos": False, "cls": True, "eos": False, "sep": True}
    assert again.heads == tuple(model.info.heads)
    for text in again.texts():
        ids = again.ids(text.id).tolist()
        assert ids == wordpiece()(text.text)["input_ids"]
        assert np.array_equal(again.pattern(text.id), patterns_of(model.model, ids, model.info.heads).numpy())


def test_finished_texts_are_skipped_and_an_interruption_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded()
    calls: list[int] = []
    original = extraction.patterns_of

    def counted(*args: Any, **kwargs: Any) -> torch.Tensor:
        calls.append(len(args[1]))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(extraction, "patterns_of", counted)
    with pytest.raises(KeyboardInterrupt):
        extract(model, TEXTS, tmp_path)
    folder = next(tmp_path.iterdir())
    assert PatternStore(folder).missing() == ["t3", "t4"]
    seen: list[tuple[int, int, str]] = []
    store = extract(model, TEXTS, tmp_path, progress=lambda *args: seen.append(args))
    assert len(calls) == 6
    assert seen == [(i + 1, 5, f"t{i}") for i in range(5)]
    assert store.missing() == []
    extract(model, TEXTS, tmp_path)
    assert len(calls) == 6


def test_a_damaged_shard_is_extracted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "SHARD_TEXTS", 2)
    model = loaded()
    store = extract(model, TEXTS, tmp_path)
    wanted = {text.id: np.array(store.pattern(text.id)) for text in store.texts()}
    paths = sorted(store.folder.glob("*.safetensors"))
    assert len(paths) == 3
    data = bytearray(paths[0].read_bytes())
    data[-3] ^= 8
    paths[0].write_bytes(data)
    paths[1].write_bytes(paths[1].read_bytes()[:-7])
    again = extract(model, TEXTS, tmp_path)
    assert not again.damaged
    assert again.missing() == []
    for id_, patterns in wanted.items():
        assert np.array_equal(PatternStore(again.folder).pattern(id_), patterns)


def test_corpora_share_a_store_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded()
    extract(model, TEXTS[:3], tmp_path)
    calls: list[Sequence[int]] = []
    original = extraction.patterns_of

    def counted(model: Any, ids: Sequence[int], *args: Any, **kwargs: Any) -> torch.Tensor:
        calls.append(ids)
        return original(model, ids, *args, **kwargs)

    monkeypatch.setattr(extraction, "patterns_of", counted)
    other = [replace(TEXTS[2], id="renamed", split="heldout"), TEXTS[3], replace(TEXTS[3], id="twice")]
    store = extract(model, other, tmp_path)
    assert len(calls) == 1
    assert [(text.id, text.split) for text in store.texts()] == [
        ("renamed", "heldout"), ("t3", "train"), ("twice", "train")
    ]  # fmt: skip
    assert len(list(tmp_path.iterdir())) == 1


def test_other_weights_heads_or_types_have_another_address(tmp_path: Path) -> None:
    one = loaded()
    extract(one, TEXTS[:1], tmp_path)
    extract(one, TEXTS[:1], tmp_path, heads=[(1, 1)])
    with torch.no_grad():
        one.model.model.layers[1].self_attn.q_proj.weight.mul_(1.01)
    changed = replace(one, info=describe(one.model, one.layout))
    extract(changed, TEXTS[:1], tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    assert describe(tiny_model("llama"), one.layout).fingerprint == loaded().info.fingerprint


def test_bad_requests(tmp_path: Path) -> None:
    model = loaded()
    with pytest.raises(DiagnosticError, match=r"E0614.*'long'.*context holds 64"):
        extract(model, [Text("long", " ".join(LINES), "train")], tmp_path)
    with pytest.raises(DiagnosticError, match=r"E0612.*L9H0"):
        extract(model, TEXTS, tmp_path, heads=[(9, 0)])
    with pytest.raises(DiagnosticError, match="E0621"):
        extract(model, [], tmp_path)
    with torch.no_grad():
        model.model.model.layers[1].self_attn.q_proj.weight.fill_(float("nan"))
    with pytest.raises(DiagnosticError, match=r"E0638.*L1H0"):
        extract(model, TEXTS, tmp_path)


def test_the_model_is_as_before() -> None:
    model = tiny_model("gpt2")
    ids = random_ids(1, 9)
    with torch.no_grad():
        plain = model(ids).logits
        patterns_of(model, ids[0].tolist(), [(0, 0)])
        assert torch.equal(model(ids).logits, plain)
    assert model.config._attn_implementation == "sdpa"
