"""A run of the LLM road on a few made-up heads, without a model: used in process, and as a process of its own to kill.

``python scripted_run.py FOLDER URL`` runs it.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
from tables import table

from attndsl.runtime.library import load_text
from attndsl.runtime.pattern import normalise
from attndsl.synth.journal import Journal
from attndsl.synth.library import ProgramLibrary
from attndsl.synth.llm.asking import Asker
from attndsl.synth.llm.ledger import Ledger, Replay
from attndsl.synth.llm.prices import load_prices
from attndsl.synth.llm.service import Claude, Patience
from attndsl.synth.road import Example, HeadPatterns
from attndsl.synth.rounds import Rounds, RoundSettings, Tally

MODEL = "claude-sonnet-5-5"
HEADS = 8
TEXTS = (
    "the cat sat on the mat .",
    "a dog ran to the river , and sang .",
    "one two three . four five six .",
    "she said that the fox was near the house",
)
SEED = 'head "even" causal\nshare 1 over each k\nnormalize rows\n'


def truth(head: int) -> str:
    """The program that a head really follows: a mixture of the token before, the first one, and this one."""
    share = (head + 1) / 10
    return (
        f'head "true {head}" causal\nadd {share} to q - 1\nadd {1 - share} to first\nadd 0.05 to self\nnormalize rows\n'
    )


def given() -> HeadPatterns:
    """Eight heads on three train texts and one validation text."""
    programs = [next(iter(load_text(truth(head), "truth", python=False).values())) for head in range(HEADS)]
    examples = []
    for number, text in enumerate(TEXTS):
        tokens = table(text)
        matrices = [normalise(p.matrix(tokens, "interpreter"), causal=True, name=p.name) for p in programs]
        patterns = np.stack(matrices).astype(np.float32)
        examples.append(Example(str(number), tokens, lambda patterns=patterns: patterns))  # type: ignore[misc]
    heads = tuple((0, head) for head in range(HEADS))
    seeds = tuple(load_text(SEED, "seed", python=False).values())
    return HeadPatterns(heads, True, examples[:3], examples[3:], seeds)


def settings(rounds: int = 1) -> RoundSettings:
    return RoundSettings("anthropic", MODEL, rounds=rounds, max_tokens=200)


def run(folder: Path, url: str, cap: str = "100", replay: Path | None = None) -> tuple[Tally, Decimal]:
    """Candidates into ``folder``; the tally and the dollars."""
    tally = Tally()
    with Journal(folder / "library.jsonl") as kept, Journal(folder / "calls.jsonl") as calls:
        claude = Claude(patience=Patience(2, 0.01), base_url=url, api_key="test")
        asker = Asker(claude, Ledger(calls), load_prices().of(MODEL), Decimal(cap), parallel=1)
        writer = asker if replay is None else Replay(replay)
        library = ProgramLibrary(kept)
        for candidate in Rounds(writer, tally)(given(), settings(), lambda head, best: None):
            library.add(candidate)
        (folder / "tally.json").write_text(json.dumps(tally.as_dict()))
        return tally, writer.spent


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2])
