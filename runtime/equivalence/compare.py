"""Are two programs the same? Proof first, then a search for a difference, then every short text; else unknown.

``equal`` is a proof, up to the bound that is given. ``different`` is a text on which the interpreter gives different
weights. ``unknown`` says what was tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from attndsl.dsl import nodes as N
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.printer import statement
from attndsl.runtime.equivalence.classes import readable, telling_entries
from attndsl.runtime.equivalence.differences import MEANINGS, PASSAGES, Differ, Sources, Witness, look, sources, texts
from attndsl.runtime.equivalence.exhaustive import MOST_TOKENS, Enumerated, enumerate_texts
from attndsl.runtime.equivalence.facts import Facts
from attndsl.runtime.equivalence.pair import Meaning, Pair, normalised, without_last_normalize
from attndsl.runtime.equivalence.prove import Proof, prove, same_compiled, z3_is_installed
from attndsl.runtime.falsify.edits import inlined
from attndsl.runtime.falsify.rules import with_items
from attndsl.runtime.program import Program

Progress = Callable[[int, int], None]
MOST_ENTRIES = 200


@dataclass(frozen=True)
class Effort:
    """Texts to search, rows of tokens to enumerate, seconds of search at most; one seed fixes the texts."""

    texts: int = 1500
    rows: int = 6000
    tokens: int = MOST_TOKENS
    seconds: float = 60.0
    seed: int = 0


@dataclass(frozen=True)
class Verdict:
    """``answer``: equal, different or unknown. ``how`` an equality is known; ``tokens`` up to which length (None: any);
    ``witness``: the text that shows a difference."""

    answer: str
    how: str = ""
    tokens: int | None = None
    witness: Witness | None = None


@dataclass(frozen=True)
class Part:
    """Whether one program is part of the other: its weight is nowhere larger (``cells``, True when proved for all
    texts, None when no text was found against it), or its rules are some of the other's (``rules``)."""

    cells: bool | None = False
    rules: bool = False


@dataclass(frozen=True)
class Comparison:
    """What is known of two programs; ``raw`` is about the matrix a program leaves, ``pattern`` about it clipped, masked
    and divided by its rows' sums."""

    first: str
    second: str
    raw: Verdict
    pattern: Verdict
    first_in_second: Part = Part()
    second_in_first: Part = Part()
    texts: int = 0
    longest: int = 0
    failed: int = 0
    enumerated: Enumerated | None = None
    prover: bool = True
    stopped: bool = False


@dataclass
class _State:
    pair: Pair
    differ: Differ
    verdicts: dict[Meaning, Verdict] = field(default_factory=dict)
    proof: Proof = field(default_factory=Proof)
    enumerated: Enumerated | None = None

    def open(self) -> list[Meaning]:
        """What is neither proved nor refuted yet."""
        return [m for m in MEANINGS if m not in self.verdicts and m not in self.differ.tried.found]


def compare(
    first: Program, second: Program, causal: bool, tokenizer: Any, corpus: Sequence[str],
    effort: Effort | None = None, progress: Progress | None = None,
) -> Comparison:  # fmt: skip
    """Compare two programs for heads of one kind; ``corpus`` are texts to begin with.

    Raises DiagnosticError where nothing can be run at all: E0611 (no parser), E0405 (a host relation is missing).
    """
    effort = effort or Effort()
    pair = Pair(first, second, causal)
    state = _State(pair, Differ(pair, tokenizer))
    if same_compiled(pair):
        state.verdicts = dict.fromkeys(MEANINGS, Verdict("equal", "both compile to the same operations"))
        return _comparison(state, sources(pair, corpus, (), (), effort.seed))
    found = sources(pair, corpus, (), (), effort.seed)
    look(state.differ, texts(found), PASSAGES, effort.seconds, MEANINGS)
    _refuse_what_cannot_run(state.differ, found)
    _try_to_prove(state)
    if state.open() and not state.differ.tried.stopped:
        found = sources(pair, corpus, state.proof.lengths, _entries(pair, tokenizer), effort.seed + 1)
        look(state.differ, texts(found), effort.texts, effort.seconds, state.open(), progress)
    if state.open() and not state.differ.tried.stopped:
        state.enumerated = _enumerate(state, effort, progress)
    return _comparison(state, found)


def _refuse_what_cannot_run(differ: Differ, found: Sources) -> None:
    """Where both fail on every text for want of a parser or a host, two errors are no sign of equality."""
    if differ.tried.texts == 0 or differ.tried.failed < differ.tried.texts:
        return
    outcomes = differ.pair.run(differ.table("".join(found.maker.corpus[0]).strip()))
    for outcome in outcomes:
        if isinstance(outcome, DiagnosticError) and {d.code for d in outcome.diagnostics} <= {"E0611", "E0405"}:
            raise outcome


def _entries(pair: Pair, tokenizer: Any) -> list[str]:
    """Vocabulary entries that the programs tell apart, to make texts of."""
    compiled = pair.ir()
    return [] if compiled is None else telling_entries(compiled, readable(tokenizer), MOST_ENTRIES)


# ---------------------------------------------------------------- proofs


def _try_to_prove(state: _State) -> None:
    """Equal matrices make equal patterns; patterns may be equal where matrices are not."""
    pair, found = state.pair, state.differ.tried.found
    if pair.first.typed is None or pair.second.typed is None:
        return
    state.proof = prove(pair, order=True)
    if state.proof.equal:
        assert not found, "a difference was found between programs that were proved equal"
        state.verdicts = dict.fromkeys(MEANINGS, Verdict("equal", "proved for one cell of any text"))
        return
    if "pattern" not in found and _same_patterns(pair, state.differ):
        state.verdicts["pattern"] = Verdict("equal", "proved for one cell of any text, rows divided by their sums")


def _same_patterns(pair: Pair, differ: Differ | None) -> bool:
    """The patterns are equal when the matrices are up to a factor, or once the last step is written out.

    The last ``normalize rows`` is left out of both; where only one has it, it changes no pattern if no weight is
    negative.
    """
    first, second, causal = pair.first, pair.second, pair.causal
    bare = without_last_normalize(first, causal), without_last_normalize(second, causal)
    left_out = [one is not other for one, other in zip(bare, (first, second), strict=True)]
    without = Pair(*bare, causal)
    if left_out[0] == left_out[1] or _never_negative(bare[0 if left_out[0] else 1], causal):
        if any(left_out) and prove(without).equal:
            return True
        factor = None if differ is None else _factor(without, differ)
        if factor is not None and prove(Pair(_scaled(bare[0], factor), bare[1], causal)).equal:
            return True
    whole = Pair(normalised(first, causal), normalised(second, causal), causal)
    return prove(whole).equal


def same_patterns(first: Program, second: Program, causal: bool) -> bool:
    """Whether two lifted programs are proved to have the same pattern on every text; False where that is not known."""
    pair = Pair(first, second, causal)
    return prove(pair).equal or _same_patterns(pair, None)


def _never_negative(program: Program, causal: bool) -> bool:
    compiled = Pair(program, program, causal).ir()
    if compiled is not None and Facts().low(compiled[0].result) >= 0:
        return True
    nothing = with_items(program, ())
    return prove(Pair(nothing, program, causal), order=True).below


def _factor(pair: Pair, differ: Differ) -> float | None:
    """The second matrix divided by the first, where that is one positive number on the texts tried first."""
    found: set[float] = set()
    for text in differ.seen()[:8]:
        first, second = pair.run(differ.table(text))
        if isinstance(first, DiagnosticError) or isinstance(second, DiagnosticError):
            return None
        if ((first != 0) != (second != 0)).any() or not np.isfinite([first, second]).all():
            return None
        found.update(np.round(second[first != 0] / first[first != 0], 9).tolist())
    return found.pop() if len(found) == 1 and max(found) > 0 else None


def _scaled(program: Program, factor: float) -> Program:
    assert program.typed is not None
    rule = N.Rule("scale", N.Number(factor), N.Each(N.Binder("k")))
    return with_items(program, (*program.typed.program.items, rule))


def _enumerate(state: _State, effort: Effort, progress: Progress | None) -> Enumerated:
    found = enumerate_texts(state.differ, effort.rows, effort.tokens, progress)
    for meaning in state.open():
        if found.tokens[meaning]:
            how = f"the same on all {found.rows} kinds of them"
            state.verdicts[meaning] = Verdict("equal", how, found.tokens[meaning])
    return found


# ---------------------------------------------------------------- the answer


def _comparison(state: _State, found: Sources) -> Comparison:
    tried = state.differ.tried
    verdicts = dict(state.verdicts)
    for meaning in MEANINGS:
        if meaning in tried.found:
            witness = state.differ.witness(meaning, found.maker.simple)
            verdicts[meaning] = Verdict("different", witness=witness) if witness else Verdict("unknown")
    raw, pattern = (verdicts.get(meaning, Verdict("unknown")) for meaning in MEANINGS)
    first, second = state.pair.first, state.pair.second
    parts = Part(), Part()
    if raw.answer != "equal":
        parts = (
            Part(_part(state.proof.below, tried.above, raw), _rules_in(first, second)),
            Part(_part(state.proof.above, tried.below, raw), _rules_in(second, first)),
        )
    return Comparison(
        first.name, second.name, raw, pattern, *parts, tried.texts, tried.longest, tried.failed, state.enumerated,
        z3_is_installed(), tried.stopped,
    )  # fmt: skip


def _part(proved: bool, refuted: bool, raw: Verdict) -> bool | None:
    if proved:
        return True
    errors = raw.witness is not None and bool(raw.witness.cell.error)
    return False if refuted or errors or raw.answer == "unknown" else None


def _rules_in(first: Program, second: Program) -> bool:
    """Whether every statement of the first that computes is one of the second's, definitions written out."""
    if first.typed is None or second.typed is None:
        return False
    mine, other = (Counter(_statements(program)) for program in (first, second))
    return mine <= other and mine != other


def _statements(program: Program) -> list[str]:
    assert program.typed is not None
    found = []
    for item in program.typed.program.items:
        if isinstance(item, N.Rule):
            found.append(" ".join(statement(inlined(item, program.typed)).split()))
        elif not isinstance(item, N.Let | N.Claim | N.CheckedClaim):
            found.append(" ".join(statement(item).split()))
    return found
