"""What the search finds on a sample of a model's heads: IoU on texts that no choice has seen.

    python benchmarks/search_sample.py PATTERNS [--every 16] [--offset 0] [--train 56] [--validation 16]
                                       [--more FILE.jsonl]

PATTERNS is a folder for the pattern store, filled at the first run. The last ``--validation`` train texts choose the
size, ``--train`` of the others fit, held-out texts and those of ``--more`` only report. Prints a line per head (train,
validation, held-out, and ``--more`` IoU; held-out IoU with at most five rules; rules, and the numbers in their
weights), their means, the mean train IoU over CPU seconds per head, and CPU seconds of the search per head.
"""

from __future__ import annotations

import argparse
import re
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from attndsl.models.corpus import Text, load_corpus
from attndsl.models.encode import cut_texts
from attndsl.models.extract import extract
from attndsl.models.load import load_model
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.scoring import iou
from attndsl.runtime.tokenize import token_table
from attndsl.synth.road import Candidate, Example, Head, HeadPatterns
from attndsl.synth.search.road import SearchSettings, search


def examples(store: Any, entries: list[Any], tokenizer: Any) -> list[Example]:
    return [Example(e.id, token_table(e.text, tokenizer), partial(store.pattern, e.id)) for e in entries]


def rules_of(program: Any) -> int:
    return int(program.to_attn().count("\nadd "))


def numbers_of(program: Any) -> int:
    """The numbers of all weights: a rule has one, and one more for everything that its weight changes with."""
    weights = re.findall(r"^add (.*?) to ", program.to_attn(), re.MULTILINE)
    return sum(len(re.findall(r"(?:^|[+-] )-?[0-9.]+", weight)) for weight in weights)


def scores(program: Any, causal: bool, head: int, texts: list[Example]) -> float:
    """Mean IoU of one program with one head."""
    kernel = LibraryKernel([program], causal)
    return float(np.mean([iou(kernel.predict(e.table).patterns[0], e.patterns[head]) for e in texts]))


def over_time(reached: dict[Head, list[tuple[float, float]]], started: float) -> str:
    """Mean over heads of the best train IoU after so many CPU seconds of each; a head's search begins when the one
    before it ends."""
    best: dict[float, list[float]] = {seconds: [] for seconds in (0.25, 0.5, 1, 2, 4, 8, 16)}
    began = started
    for steps in reached.values():
        for seconds, scores in best.items():
            scores.append(max((score for at, score in steps if at - began <= seconds), default=0.0))
        began = steps[-1][0]
    return ", ".join(f"{seconds:g}: {np.mean(scores):.3f}" for seconds, scores in best.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("patterns", type=Path)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--corpus", default="stories")
    parser.add_argument("--more", type=Path)
    numbers = {"every": 16, "offset": 0, "train": 56, "validation": 16, "tokens": 128, "min-tokens": 96}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    loaded = load_model(args.model)
    more = [Text(f"more-{i}", t.text, "heldout") for i, t in enumerate(load_corpus(args.more))] if args.more else []
    kept, _ = cut_texts(
        [*load_corpus(args.corpus), *more], loaded.tokenizer, max_tokens=args.tokens, min_tokens=args.min_tokens
    )
    heads = loaded.info.heads[args.offset :: args.every]
    store = extract(loaded, kept, args.patterns, heads=heads)
    train, held_out = (examples(store, store.texts(split), loaded.tokenizer) for split in ("train", "heldout"))
    validation, train = train[-args.validation :], train[: -args.validation][: args.train]
    own = [e for e in held_out if not e.id.startswith("more-")]
    other = [e for e in held_out if e.id.startswith("more-")]
    causal = loaded.info.causal
    started = time.process_time()
    found: dict[Head, list[Candidate]] = {}
    reached: dict[Head, list[tuple[float, float]]] = {}

    def watch(head: Head, score: float) -> None:
        reached.setdefault(head, []).append((time.process_time(), score))

    given = HeadPatterns(tuple(heads), causal, train, validation)
    for candidate in search(given, SearchSettings(workers=1), watch):
        found.setdefault(candidate.head, []).append(candidate)
    cpu = (time.process_time() - started) / len(heads)
    rows = []
    for index, head in enumerate(heads):
        best = found[head][0]
        few = next(c.program for c in found[head] if rules_of(c.program) <= 5)
        parts = [scores(best.program, causal, index, texts) if texts else np.nan for texts in (validation, own, other)]
        rows.append(
            [
                best.train_iou,
                *parts,
                scores(few, causal, index, own + other),
                rules_of(best.program),
                numbers_of(best.program),
            ]
        )
        print(f"L{head[0]}H{head[1]:<3}", show(rows[-1]), flush=True)
    print(f"{len(heads)} heads, {len(train)} + {len(validation)} train texts, {len(own)} held-out, {len(other)} more")
    print("seconds a head: mean train IoU ", over_time(reached, started))
    print("mean  ", show(np.mean(np.array(rows, dtype=float), axis=0)), f"CPU {cpu:.1f} s a head")


def show(row: Any) -> str:
    train, validation, held_out, other, few, rules, numbers = row
    return (
        f"train {train:.3f} validation {validation:.3f} held-out {held_out:.3f} more {other:.3f} five rules {few:.3f} "
        f"rules {rules:.1f} numbers {numbers:.1f}"
    )


if __name__ == "__main__":
    main()
