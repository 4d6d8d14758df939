"""What kind of program it is, by what its compiled form reads and does; names and claims are not asked.

Every kind below is a test on the operations of the IR. A program has all kinds that hold; the first of them, in the
order of ``KINDS``, which goes from the particular to the general, is its main kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attndsl.compiler.ir import Op, reachable
from attndsl.runtime.program import Program

Ops = Sequence[Op]
SURFACE = ("token.text", "token.raw", "token.lemma", "via.lemma", "word.lemma", "word.text")
LAYOUT = ("token.sentence", "token.line", "token.depth", "token.in_quotes", "token.word_start")
SIGNS = ("token.is_punct", "token.is_capitalized", "token.special")


def _reads(ops: Ops, *columns: str) -> bool:
    return any(op.name == "column" and str(op.attr).startswith(columns) for op in ops)


def _copies(op: Op) -> bool:
    """A comparison of two tokens' texts (not of one text with a literal)."""
    return op.name == "eq" and len(op.axes) > 1 and all(_is_text(arg) for arg in op.args)


def _is_text(op: Op) -> bool:
    return op.dtype == "s" and any(o.name == "column" and str(o.attr) in SURFACE for o in reachable([op]))


def _induction(ops: Ops) -> bool:
    """A text compared at a neighbour's place, or a step away from where a copy was found: what followed a copy."""
    for op in ops:
        if _copies(op) and any(o.name == "gather" for o in reachable([op])):
            return True
        steps = op.name in ("add", "sub") and "k" not in op.axes  # with "k" it is a weight, not a position
        if steps and any(o.name in ("first", "last") and any(map(_copies, reachable([o]))) for o in reachable([op])):
            return True
    return False


def _words(ops: Ops) -> bool:
    return _reads(ops, "word.", "via.", "token.head") or any(op.name == "relation" for op in ops)


def _literals(ops: Ops) -> bool:
    return any(op.name == "map_text" for op in ops) or any(op.name == "text" for op in ops)


def _lookback(ops: Ops) -> bool:
    return any(op.name in ("first", "last", "rank") for op in ops)


KINDS: dict[str, Callable[[Ops], bool]] = {
    "host relation": lambda ops: any(op.name == "host" for op in ops),
    "grammar": _words,
    "induction": _induction,
    "copies": lambda ops: any(_copies(op) for op in ops),
    "literals": _literals,
    "layout": lambda ops: _reads(ops, *LAYOUT),
    "signs": lambda ops: _reads(ops, *SIGNS),
    "lookback": _lookback,
    "position": lambda ops: not any(op.name in ("column", "relation", "host", "text") for op in ops),
}
BOUNDED = "loops"
"""A program kept as a bounded loop program has no IR."""


def kinds_of(program: Program) -> tuple[str, ...]:
    """All kinds of a program, main kind first; ("loops",) for a bounded one."""
    if program.typed is None:
        return (BOUNDED,)
    ops = list(reachable(program.ir.roots()))
    return tuple(name for name, holds in KINDS.items() if holds(ops)) or ("other",)
