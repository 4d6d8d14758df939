"""The search for a smaller program: all steps are tried on train texts, the cheapest are taken together, again.

It is greedy and checked: what is taken has a mean IoU with the original of at least 1 - epsilon on texts like the train
texts, by the lower end of its interval over them: so many steps are tried that the mean alone would flatter the taken.
With epsilon 0 every step is proved to keep the pattern of every text, or is not taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.equivalence.compare import same_patterns
from attndsl.runtime.falsify.coverage import ious
from attndsl.runtime.falsify.rules import lifted, with_items
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.minimise.steps import Items, Step, rules, size, steps, together
from attndsl.runtime.program import Program

FREE = 1e-9
"""Mean IoU that a step may cost and still count as costing nothing: float32 rounding."""
MOST_ROUNDS = 30
MOST_TRIED = 600
ONE_SIDED = 1.645
"""Standard errors between a mean and the lower end of its one-sided 95% interval."""
HOPELESS = 0.01
"""A step that misses the floor by more than this is not tried again until no other is left: after other steps it seldom
gets better, and most of the time goes into compiling what is tried."""


@dataclass(frozen=True)
class Minimised:
    """The smaller program. ``before`` and ``after`` are (rules, size); ``train`` is the mean IoU of the two patterns
    on the train texts; ``kinds`` counts the steps taken; ``proved``: the pattern is the same for every text;
    ``finished``: no single step is left that could be taken."""

    program: Program
    before: tuple[int, int]
    after: tuple[int, int]
    train: float
    kinds: dict[str, int]
    tried: int
    proved: bool
    finished: bool


Key = tuple[tuple[object, ...], tuple[object, ...]]


@dataclass
class _State:
    program: Program
    tables: Sequence[TokenTable]
    causal: bool
    originals: list[NDArray[np.float32] | None]
    items: Items
    lower: float = 1.0
    tried: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    hopeless: set[Key] = field(default_factory=set)


def minimise(
    program: Program, tables: Sequence[TokenTable], causal: bool, epsilon: float, seconds: float = 300.0,
    progress: Callable[[int, int], None] | None = None,
) -> Minimised:  # fmt: skip
    """The smallest program found whose mean IoU with this one is at least 1 - epsilon by the lower end of its interval.

    Texts on which the program fails count as agreeing where the smaller one fails too. Raises DiagnosticError E0802
    (not lifted), and what the program raises when it fails on every text.
    """
    items = lifted(program).program.items
    state = _State(program, tables, causal, original_patterns(program, tables, causal), items)
    before = rules(items), size(items)
    deadline = time.monotonic() + seconds
    finished = False
    for number in range(MOST_ROUNDS):
        if progress is not None:
            progress(number, MOST_ROUNDS)
        everything = not state.hopeless
        if not _round(state, epsilon):
            if everything:
                finished = True
                break
            state.hopeless.clear()  # the last round tries all there is
        if time.monotonic() > deadline:
            break
    result = with_items(program, state.items)
    proved = same_patterns(result, program, causal)
    after = rules(state.items), size(state.items)
    train = float(agreement([result], tables, state.originals, causal).mean())
    return Minimised(result, before, after, train, state.kinds, state.tried, proved, finished)


def original_patterns(program: Program, tables: Sequence[TokenTable], causal: bool) -> list[NDArray[np.float32] | None]:
    """The program's pattern on every text, None where it fails. Raises its error where it fails on all of them."""
    kernel = LibraryKernel([program], causal)
    found: list[NDArray[np.float32] | None] = []
    error: DiagnosticError | None = None
    for table in tables:
        predicted = kernel.predict(table)
        error = predicted.errors.get(0, error)
        found.append(None if 0 in predicted.errors else predicted.patterns[0].copy())
    if error is not None and all(pattern is None for pattern in found):
        raise error
    return found


def agreement(
    programs: Sequence[Program], tables: Sequence[TokenTable], originals: Sequence[NDArray[np.float32] | None],
    causal: bool,
) -> NDArray[np.float64]:  # fmt: skip
    """IoU of every program's pattern with the original's, [programs, texts]; failing alike is agreeing."""
    kernel = LibraryKernel(programs, causal)
    found = np.zeros((len(programs), len(tables)))
    for number, (table, original) in enumerate(zip(tables, originals, strict=True)):
        predicted = kernel.predict(table)
        failed = np.array([at in predicted.errors for at in range(len(programs))])
        found[:, number] = failed if original is None else np.where(failed, 0.0, ious(predicted.patterns, original))
    return found


def _round(state: _State, epsilon: float) -> bool:
    """Try every step, take the best of them together; False when none can be taken."""
    tried = _programs(state)
    if not tried:
        return False
    scores = lower_ends(agreement([program for _, program in tried], state.tables, state.originals, state.causal))
    state.tried += len(tried)
    floor = 1.0 - epsilon - FREE
    here = size(state.items)
    state.hopeless |= {
        _key(state.items, step) for (step, _), score in zip(tried, scores, strict=True) if score < floor - HOPELESS
    }
    good = [
        (max(state.lower - score, 0.0), here - size(step.items), step)
        for (step, _), score in zip(tried, scores.tolist(), strict=True)
        if score >= floor
    ]
    if not good:
        return False
    # What costs nothing first, the largest of it first; then by what is saved for what is lost.
    good.sort(key=lambda g: (g[0] > FREE, -g[1] if g[0] <= FREE else g[0] / g[1]))
    chosen = _apart([step for _, _, step in good])
    if epsilon == 0:
        return _take_proved(state, chosen)
    free = [step for loss, _, step in good if loss <= FREE]
    return _take(state, _apart(free) if free else chosen, floor)


def _programs(state: _State) -> list[tuple[Step, Program]]:
    """Smaller programs that check, each text of statements once; of very many the largest savings."""
    found: dict[Items, Step] = {}
    here = size(state.items)
    for step in steps(state.items):
        if size(step.items) < here and _key(state.items, step) not in state.hopeless:
            found.setdefault(step.items, step)
    largest = sorted(found.values(), key=lambda step: size(step.items))[:MOST_TRIED]
    programs = []
    for step in largest:
        try:
            programs.append((step, with_items(state.program, step.items)))
        except DiagnosticError:  # such as a definition that now reads what it may not
            continue
    return programs


def _key(items: Items, step: Step) -> Key:
    """A step by what it puts in place of what: the same after other statements have changed."""
    kept = {id(item) for at, item in enumerate(items) if at not in step.at}
    old = tuple(items[at] for at in sorted(step.at))
    return old, tuple(item for item in step.items if id(item) not in kept)


def _apart(chosen: Sequence[Step]) -> list[Step]:
    """Steps that change different statements, the first of each taken; a definition's own step stands alone."""
    taken: set[int] = set()
    found = []
    for step in chosen:
        if not step.at & taken:
            taken |= step.at
            found.append(step)
    return found


def _take(state: _State, chosen: list[Step], floor: float) -> bool:
    """Take as many of the steps together as the floor allows: all, else the first half, ..., else the first."""
    count = len(chosen)
    while count:
        items = together(state.items, chosen[:count]) if count > 1 else chosen[0].items
        score = _score(state, items)
        if score is not None and score >= floor and size(items) < size(state.items):
            for step in chosen[:count]:
                state.kinds[step.kind] = state.kinds.get(step.kind, 0) + 1
            state.items, state.lower = items, score
            return True
        count //= 2
    return False


def _take_proved(state: _State, chosen: list[Step]) -> bool:
    """Take the first step that is proved to keep every pattern."""
    now = with_items(state.program, state.items)
    for step in chosen:
        smaller = with_items(state.program, step.items)
        if same_patterns(smaller, now, state.causal):
            state.items = step.items
            state.kinds[step.kind] = state.kinds.get(step.kind, 0) + 1
            return True
    return False


def _score(state: _State, items: Items) -> float | None:
    try:
        program = with_items(state.program, items)
    except DiagnosticError:
        return None
    return float(lower_ends(agreement([program], state.tables, state.originals, state.causal))[0])


def lower_ends(ious: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lower ends of the means over texts, [programs]; of one text the mean itself."""
    means = ious.mean(axis=1)
    if ious.shape[1] < 2:
        return np.asarray(means)
    return np.asarray(means - ONE_SIDED * ious.std(axis=1, ddof=1) / np.sqrt(ious.shape[1]))
