"""How often the word a token is aligned to holds the token's text, and what token tables cost.

Compares alignment by the tokenizer's character offsets (``TokenTable.token_words``) with what the published programs
do: lay the tokens end to end with their markers and spaces stripped, so that every space shifts the rest by one.

    python benchmarks/alignment.py TOKENIZER TEXTS [--gguf FILE] [--limit N]

TOKENIZER is a Hugging Face id or folder, TEXTS a .txt file (a text per line) or a .jsonl file with a "text" field.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attndsl.dsl.tokens import TokenTable, WordTable
from attndsl.runtime.parse_words import WordParser, word_parser
from attndsl.runtime.tokenize import forget_tables, token_table


def read_texts(path: Path) -> list[str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [json.loads(line)["text"] for line in lines] if path.suffix == ".jsonl" else lines


def drifting_alignment(raw: tuple[str, ...], words: WordTable) -> list[list[int]]:
    """Words that overlap each token when spaces are not counted."""
    found: list[list[int]] = []
    at = 0
    for piece in raw:
        width = max(1, len(piece.lstrip("Ġ").lstrip("#").lstrip()))
        spans = zip(words.start, words.end, strict=True)
        found.append([w for w, (start, end) in enumerate(spans) if start < at + width and end > at])
        at += width
    return found


def hits(table: TokenTable, alignment: Any) -> Counter[str]:
    """Tokens with text: how many there are, and of how many the words are right, in three readings.

    ``first``: the first word holds the token's text; ``joined``: its words together hold it (a token such as '."'
    spans two); ``same``: the first word is the first that the token overlaps. Case is not compared.
    """
    counts: Counter[str] = Counter()
    words = table.words
    for surface, found, truth in zip(table.surface, alignment, table.token_words, strict=True):
        if surface:
            joined = table.text[words.start[found[0]] : words.end[found[-1]]] if found else ""
            counts["tokens"] += 1
            counts["first"] += bool(found) and surface.lower() in words.text[found[0]].lower()
            counts["joined"] += surface.lower() in joined.lower()
            counts["same"] += list(found[:1]) == list(truth[:1])
    return counts


def milliseconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - begun)


def cut(text: str, tokenizer: Any, tokens: int) -> str:
    """The text up to its token number ``tokens``."""
    offsets = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)["offset_mapping"]
    return text[: offsets[min(tokens, len(offsets)) - 1][1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer")
    parser.add_argument("texts", type=Path)
    parser.add_argument("--gguf", help="the GGUF file in the folder that holds the tokenizer")
    parser.add_argument("--limit", type=int, default=100, help="use the first N texts (default 100)")
    chosen = parser.parse_args()

    from transformers import AutoTokenizer

    options = {"gguf_file": chosen.gguf} if chosen.gguf else {}
    tokenizer = AutoTokenizer.from_pretrained(chosen.tokenizer, **options)
    texts = read_texts(chosen.texts)[: chosen.limit]
    word_parser()("Load the pipeline first.")

    true: Counter[str] = Counter()
    drifting: Counter[str] = Counter()
    for text in texts:
        table = token_table(text, tokenizer)
        true += hits(table, table.token_words)
        drifting += hits(table, drifting_alignment(table.raw, table.words))
    print(f"{len(texts)} texts, {true['tokens']} tokens with text; share whose")
    print("                first word holds it   words hold it   first word is the true one")
    for name, counts in (("by offsets", true), ("end to end", drifting)):
        shares = [counts[key] / counts["tokens"] for key in ("first", "joined", "same")]
        print(f"  {name}  {shares[0]:20.2%} {shares[1]:15.2%} {shares[2]:20.2%}")

    short = [cut(text, tokenizer, 128) for text in texts]
    forget_tables()
    fresh = [milliseconds(lambda text=text: token_table(text, tokenizer)) for text in short]
    kept = [milliseconds(lambda text=text: token_table(text, tokenizer)) for text in short]
    unused = WordParser(word_parser().name)  # one that has kept no text yet
    unused("Load the pipeline first.")
    tables = [token_table(text, tokenizer, unused) for text in short]
    parsed = [milliseconds(lambda table=table: table.words) for table in tables]
    aligned = [milliseconds(lambda table=table: table.token_words) for table in tables]
    size = statistics.median(len(table) for table in tables)
    print(f"median milliseconds per text, n={size:.0f}:")
    rows = (("table, new", fresh), ("table, kept", kept), ("words, new", parsed), ("token_words", aligned))
    for name, times in rows:
        print(f"  {name:12} {statistics.median(times):8.4f}")


if __name__ == "__main__":
    main()
