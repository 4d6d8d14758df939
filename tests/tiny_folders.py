"""Tiny random models saved into folders, and a small corpus: what commands need to run, without a download."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "models"))

TEXTS = {
    "a": ("train", "Once upon a time, a small fox lived near the river with her mother."),
    "b": ("train", "The fox ran to the river, and the river sang to the fox."),
    "c": ("heldout", "Every day the fox counts: one, two, three, four, five."),
    "d": ("heldout", '"Come home," said the mother, "the night is cold and the river is high."'),
}
PROGRAMS = """\
head "previous, or the first" causal
add 0.6 to q - 1
add 0.4 to first
normalize rows

head "even" causal
share 1 over each k
normalize rows
"""
BOTH_WAYS = """\
head "neighbours"
add 0.5 to q - 1
add 0.5 to q + 1
normalize rows else self

head "even"
share 1 over each k
normalize rows
"""


def save_model(name: str, folder: Path) -> Path:
    """A model of ``tests/models/tiny.py`` with a tokenizer of its kind."""
    import tiny

    model, tokenizer = _made(name)
    assert name in tiny.CAUSAL + tiny.ENCODERS
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@cache
def _made(name: str) -> tuple[object, object]:
    import tiny

    return tiny.tiny_model(name), tiny.byte_bpe() if name in tiny.CAUSAL else tiny.wordpiece()


def save_inputs(folder: Path) -> None:
    """``texts.jsonl``, ``programs.attn`` and ``both_ways.attn``."""
    lines = [json.dumps({"id": i, "split": split, "text": text}) for i, (split, text) in TEXTS.items()]
    (folder / "texts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "programs.attn").write_text(PROGRAMS, encoding="utf-8")
    (folder / "both_ways.attn").write_text(BOTH_WAYS, encoding="utf-8")
