"""Job: the smallest program near a program, chosen on train texts and reported on held-out ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import fail
from attndsl.dsl.tokens import TokenTable
from attndsl.job.choosing import choose, library_of
from attndsl.job.compare import reference
from attndsl.job.progress import Progress
from attndsl.job.stages import write_bytes
from attndsl.runtime.falsify.rules import lifted
from attndsl.runtime.machine import on_first_compile
from attndsl.runtime.minimise.search import Minimised, agreement, minimise, original_patterns
from attndsl.runtime.program import Program
from attndsl.runtime.statistics import Interval, summarise
from attndsl.runtime.tokenize import token_table


@dataclass(frozen=True)
class Setting:
    """How near the smaller program stays (``epsilon``: mean IoU at least 1 - epsilon), and on which texts."""

    epsilon: float = 0.02
    model: str = "smollm2-135m"
    revision: str | None = None
    corpus: str = "stories"
    tokens: int = 64
    train: int = 40
    heldout: int = 40
    seconds: float = 300.0
    bidirectional: bool = False


@dataclass(frozen=True)
class Reported:
    """The outcome; ``heldout`` is the mean IoU of the two patterns on ``texts`` held-out texts."""

    original: Program
    found: Minimised
    heldout: Interval
    texts: int
    setting: Setting


def minimise_file(given: str, setting: Setting, out: Path | None, progress: Progress) -> Reported:
    """Make one program of a file smaller, and write it to ``out`` if that is given.

    Raises DiagnosticError E0801, E0810 (no such program), E0802 (not lifted), E0807, E0808, and what the program raises
    when it fails on every text.
    """
    if not 0 <= setting.epsilon < 1:
        raise fail("E0807", f"epsilon is {setting.epsilon:g}", help="give 0 (exactly the same) or more, below 1")
    on_first_compile(progress.note)
    file, name = reference(given)
    causal = not setting.bidirectional
    program = choose(library_of(file, causal), name)
    lifted(program)
    train, heldout = text_tables(setting, progress)
    with progress.bar("taking steps", 1) as advance:
        found = minimise(program, train, causal, setting.epsilon, setting.seconds, advance)
    if out is not None:
        write_bytes(out, found.program.to_attn().encode())
    return Reported(program, found, on_heldout(program, found, heldout, causal), len(heldout), setting)


def on_heldout(program: Program, found: Minimised, heldout: list[TokenTable], causal: bool) -> Interval:
    """The mean IoU of the two patterns on texts that nothing was chosen on, with its interval over texts."""
    originals = original_patterns(program, heldout, causal)
    return summarise(agreement([found.program], heldout, originals, causal)[0]).mean


def text_tables(setting: Setting, progress: Progress) -> tuple[list[TokenTable], list[TokenTable]]:
    """Train and held-out texts of the corpus, cut. Raises DiagnosticError E0808."""
    from attndsl.models.corpus import load_corpus
    from attndsl.models.encode import cut_texts
    from attndsl.models.load_tokenizer import load_tokenizer

    tokenizer: Any = load_tokenizer(setting.model, setting.revision, notify=progress.note)
    kept, _ = cut_texts(load_corpus(setting.corpus), tokenizer, max_tokens=setting.tokens, min_tokens=2)
    found = []
    for split, most in (("train", setting.train), ("heldout", setting.heldout)):
        texts = [text.text for text in kept if text.split == split][:most]
        if not texts:
            raise fail("E0808", f"no {split} text of {setting.corpus} has 2 tokens", help="give longer texts")
        found.append([token_table(text, tokenizer) for text in texts])
    return found[0], found[1]
