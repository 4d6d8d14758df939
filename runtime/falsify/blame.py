"""Which rule is to blame for a counterexample: the one whose best single change would mend most of it.

This is fault localisation by mutation (Moon et al., "Ask the mutants", ICST 2014; Papadakis and Le Traon, STVR 25,
2015) with a graded outcome in place of passing tests. For every edit of every rule (``edits``) the program with that
edit is run on the failing texts; the rule's share is the part of the missing IoU that its best edit gains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import WORD_FEATURES
from attndsl.dsl.checker import check
from attndsl.dsl.columns import word_column
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.printer import statement
from attndsl.dsl.tokens import TokenTable
from attndsl.dsl.types import STR
from attndsl.runtime.falsify.coverage import ious
from attndsl.runtime.falsify.edits import KINDS, MOST_WORDS, Edit, edits_of
from attndsl.runtime.falsify.rules import RuleOf, lifted, rules_of
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.program import Program

SAME = 1e-4
"""Shares that differ by less explain the same: float32 patterns, and IoU to four digits."""


@dataclass(frozen=True)
class Suspect:
    """A rule and the best single change of it. ``share`` is the part of what is missing to IoU 1 on the failing texts
    that the change gains, less what it loses on texts that do not fail; 1 mends everything, 0 or less nothing."""

    rule: RuleOf
    share: float
    kind: str
    change: str


def blame(
    program: Program,
    failing: Sequence[tuple[TokenTable, NDArray[np.float32]]],
    passing: Sequence[tuple[TokenTable, NDArray[np.float32]]],
    causal: bool,
) -> list[Suspect]:
    """Every rule as a suspect, the worst first; ``failing`` and ``passing`` are texts with the head's patterns there.

    Raises DiagnosticError E0802 (not lifted).
    """
    rules = rules_of(program)
    words = _words(failing) + _labels(failing, lifted(program).reads)
    tried: list[tuple[RuleOf, Edit]] = []
    programs = [program]
    for rule in rules:
        for edit, changed in _changed(program, rule, words):
            tried.append((rule, edit))
            programs.append(changed)
    kernel = LibraryKernel(programs, causal)
    shares = _shares(kernel, failing, passing)
    suspects = []
    for rule in rules:
        mine = [(share, edit) for (owner, edit), share in zip(tried, shares, strict=True) if owner is rule]
        most = max(share for share, _ in mine)
        share, edit = min((at for at in mine if at[0] >= most - SAME), key=lambda at: _plainness(at[1]))
        suspects.append(Suspect(rule, float(share), edit.kind, _said(edit)))
    # Of two rules that explain the same, the one with the plainer change comes first, then the earlier one.
    return sorted(suspects, key=lambda s: (-round(s.share / SAME), KINDS.index(s.kind), s.rule.number))


def _said(edit: Edit) -> str:
    return "without it" if edit.rule is None else " ".join(statement(edit.rule).split())


def _plainness(edit: Edit) -> tuple[int, int]:
    """Of edits that mend the same: the plainer kind, then the shorter text."""
    return KINDS.index(edit.kind), len(_said(edit))


def _words(failing: Sequence[tuple[TokenTable, NDArray[np.float32]]]) -> list[str]:
    """The surface texts of the failing texts, those of the first text first."""
    found = dict.fromkeys(word for table, _ in failing for word in table.surface if word)
    return list(found)[:MOST_WORDS]


def _labels(failing: Sequence[tuple[TokenTable, NDArray[np.float32]]], reads: Sequence[str]) -> list[str]:
    """What the parser says of the first text's words, in the columns that the program reads: literals of its rules."""
    names = [read.removeprefix("word.") for read in reads if read.startswith("word.")]
    columns = [word_column(failing[0][0], name) for name in names if WORD_FEATURES[name].kind is STR]
    return list(dict.fromkeys(str(label) for column in columns for label in column if label))


def _changed(program: Program, rule: RuleOf, words: Sequence[str]) -> list[tuple[Edit, Program]]:
    """The edits of a rule that give a program that checks, each meaning once."""
    typed = lifted(program)
    items = typed.program.items
    at = items[rule.item]
    assert isinstance(at, N.Rule)
    found: dict[N.Rule | None, tuple[Edit, Program]] = {}
    for edit in edits_of(at, typed, words):
        if edit.rule in found or edit.rule == at:
            continue
        new = (edit.rule,) if edit.rule is not None else ()
        changed = replace(typed.program, items=(*items[: rule.item], *new, *items[rule.item + 1 :]))
        try:
            found[edit.rule] = edit, replace(program, typed=check(changed))
        except DiagnosticError:  # a change that is no program, such as a bidirectional read in a causal head
            continue
    return list(found.values())


def _shares(
    kernel: LibraryKernel,
    failing: Sequence[tuple[TokenTable, NDArray[np.float32]]],
    passing: Sequence[tuple[TokenTable, NDArray[np.float32]]],
) -> NDArray[np.float64]:
    """One share per program but the first, which is the unchanged one."""
    before, *after = np.transpose(_mean_ious(kernel, failing))
    kept, *changed = np.transpose(_mean_ious(kernel, passing)) if passing else np.zeros(len(kernel.programs))
    lost = np.maximum(0.0, kept - np.asarray(changed))
    missing = max(1.0 - float(before), 1e-9)
    shares: NDArray[np.float64] = (np.asarray(after) - before - lost) / missing
    return shares


def _mean_ious(kernel: LibraryKernel, texts: Sequence[tuple[TokenTable, NDArray[np.float32]]]) -> NDArray[np.float64]:
    """Mean over texts; a program that fails on a text has IoU 0 there."""
    scores = np.zeros(len(kernel.programs))
    for table, head in texts:
        predicted = kernel.predict(table)
        found = ious(predicted.patterns, head)
        found[list(predicted.errors)] = 0.0
        scores += found
    mean: NDArray[np.float64] = scores / max(len(texts), 1)
    return mean
