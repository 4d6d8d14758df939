"""Which programs have a linear form: their matrix as a sum of terms, and every value the terms need over one axis.

Reductions along keys are given as terms or boxes as well, so that a row sum or "the last key such that" costs as much
as the matrix does: n values and not n * n.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import Op, is_word_axis
from attndsl.compiler.lower import lower
from attndsl.compiler.passes import optimize
from attndsl.compiler.structure.affine import decay_of
from attndsl.compiler.structure.forms import Box, Term, Unstructured, parts_of
from attndsl.compiler.structure.masks import Masks, describe
from attndsl.compiler.structure.terms import Numbers
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.diagnostics import DiagnosticError

FOLDED = ("sum", "any", "first", "last", "maximum", "minimum")


@dataclass(frozen=True, slots=True)
class Fold:
    """A reduction along keys: of terms (``sum``), of boxes (``any``, ``first``, ``last``), or the extreme of a value in
    boxes (``maximum``, ``minimum``; outside the boxes it is infinite)."""

    kind: str
    row: str
    key: str
    terms: tuple[Term, ...] = ()
    boxes: tuple[Box, ...] = ()
    value: Op | None = None


@dataclass(frozen=True)
class LinearForm:
    """A program without a matrix. ``folds`` has every reduction over two axes by the id of its operation."""

    terms: tuple[Term, ...]
    failures: tuple[tuple[Box, ...], ...]  # where a check of the program fails
    assumed: tuple[Term, ...]  # must have no negative cell on the text, else the form is another program
    folds: dict[int, Fold]
    causal: bool
    classes: tuple[str, ...]


def linear_form(typed: TypedProgram, causal: bool | None = None, builder: Builder | None = None) -> LinearForm | str:
    """The linear form of a program, or the reason why it has none.

    ``causal``: cells after the diagonal are dropped in the end, as ``Program.causal`` says; by default what the head
    itself says. Programs with the same ``builder`` share their operations, so that a text's values can be shared too.
    """
    causal = typed.causal if causal is None else causal
    builder = builder or Builder()
    try:
        (program,) = optimize([lower(typed, builder)], builder)
        finder = _Finder(builder)
        masks = Masks(builder, "q", "k", causal)
        numbers = Numbers(masks)
        terms = numbers.terms(program.result)
        failures = tuple(masks.boxes(check.fails) for check in program.checks)
        finder.need(op for term in (*terms, *numbers.assumed) for op in term.parts())
        finder.need(op for boxes in failures for box in boxes for op in parts_of(box))
        names = tuple(sorted({_class(builder, term, finder) for term in terms}))
    except Unstructured as reason:
        return str(reason)
    except DiagnosticError as error:  # E0351: no compiled form at all
        return error.diagnostics[0].headline
    assumed = (*numbers.assumed, *finder.assumed)
    return LinearForm(terms, failures, assumed, finder.folds, causal, names)


class _Finder:
    """Walks the values that a form needs, and gives each reduction over two axes its own form."""

    def __init__(self, builder: Builder) -> None:
        self.b = builder
        self.folds: dict[int, Fold] = {}
        self.assumed: list[Term] = []
        self._seen: set[int] = set()

    def need(self, ops: Iterable[Op]) -> None:
        stack = list(ops)
        while stack:
            op = stack.pop()
            if op.id in self._seen:
                continue
            self._seen.add(op.id)
            if op.name in ("relation", "host") or len(op.axes) > 1:
                raise Unstructured(f"{describe(op)} over two axes")
            if op.args and len(op.args[0].axes) > 1 and op.name != "gather":
                fold = self.fold(op)
                self.folds[op.id] = fold
                stack.extend(part for term in fold.terms for part in term.parts())
                stack.extend(part for box in fold.boxes for part in parts_of(box))
                stack.extend(() if fold.value is None else (fold.value,))
            else:
                stack.extend(op.args)

    def fold(self, op: Op) -> Fold:
        source = op.args[0]
        if op.name not in FOLDED or len(source.axes) != 2 or any(is_word_axis(axis) for axis in source.axes):
            raise Unstructured(f"a {op.name} over {' and '.join(_spoken(axis) for axis in source.axes)}")
        row, key = op.axes[0], op.attr
        masks = Masks(self.b, row, key, False)
        if op.name == "sum":
            numbers = Numbers(masks)
            try:
                terms = numbers.terms(source)
            except Unstructured:
                numbers = Numbers(Masks(self.b, row, key, True))
                terms = _below(self.b, numbers, source)
            self.assumed.extend(numbers.assumed)
            return Fold("sum", row, key, terms=terms)
        if op.name in ("any", "first", "last"):
            return Fold(op.name, row, key, boxes=masks.boxes(source))
        if source.name != "select" or source.args[2].name != "const":
            raise Unstructured(f"the {op.name} of a row")
        condition, value, _ = source.args
        if row in value.axes:
            raise Unstructured(f"the {op.name} of a value of query and key together")
        return Fold(op.name, row, key, boxes=masks.boxes(condition), value=value)


def _below(b: Builder, numbers: Numbers, source: Op) -> tuple[Term, ...]:
    """Terms of a sum that has distances, which are known from zero on: every box must end at its row."""
    terms = numbers.terms(source)
    row = numbers.masks.row
    for term in terms:
        if term.box.at is None and not any(_at_most(b, hi, row) for hi in term.box.hi):
            raise Unstructured("a distance to later tokens")
    return terms


def _at_most(b: Builder, op: Op, row: str) -> bool:
    """True when the position is the row's own or an earlier one."""
    if op.name == "iota":
        return bool(op.attr == row)
    if op.name == "sub" and op.args[0].name == "iota" and op.args[0].attr == row:
        return b.low(op.args[1]) >= 0
    return op.name == "min" and any(_at_most(b, arg, row) for arg in op.args)


def _spoken(axis: str) -> str:
    return {"q": "queries", "k": "keys"}.get(axis, "words" if is_word_axis(axis) else "tokens")


def _class(b: Builder, term: Term, finder: _Finder) -> str:
    """The kind of a term, for people."""
    box = term.box
    if box.at is not None:
        if not box.at.axes:
            return "broadcast"
        shift = box.at.name == "iota" or (
            box.at.name in ("sub", "add") and {arg.name for arg in box.at.args} == {"iota", "const"}
        )
        return "shift" if shift else "gather"
    if box.same:
        return "same feature"
    if term.distance is not None or box.far is not None:
        decays = box.far is None and term.distance is not None and decay_of(term.distance) is not None
        return "decay" if decays else "distance"
    if any(lo.axes for lo in box.lo):
        return "window"
    plain = box.key.name == term.weight.name == "const"
    return "prefix" if plain else "column weights"
