"""Matrices made by numpy functions, and sums and products of two matrices."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Loop, Machine, State
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Grid, Opaque, RowRef, Scalar, Sheet, Value, Vector


def made(m: Machine, hint: str, cell: Callable[[Term, Term], tuple[Term, Term]]) -> Grid:
    """A new matrix: ``cell(row, column)`` gives a condition, and the weight where it holds; the rest is zero."""
    from attndsl.dsl.pyimport.lift import arrays

    arrays._outside_loops(m)
    name = m.new_matrix(hint, T.ZERO)
    row, column = T.fresh("int"), T.fresh("int")
    held = m.state.path
    loops = [Loop(Binder(v, T.ZERO, T.N)) for v in (row, column)]
    m.loops.extend(loops)
    for loop in loops:
        m.state.path = m.state.along(*loop.binder.conditions())
    condition, value = cell(row, column)
    m.state.path = m.state.along(condition)
    m.write("set", name, row, column, value)
    m.state.path = held
    m.loops.clear()
    return Grid(name, 0)


def outer(m: Machine, node: ast.Call) -> Value:
    """``np.outer(v, w)`` of two vectors as long as the text."""
    from attndsl.dsl.pyimport.lift import arrays, sheets
    from attndsl.dsl.pyimport.lift.elementwise import probe
    from attndsl.dsl.pyimport.lift.making import argument
    from attndsl.dsl.pyimport.lift.operators import binary

    def both(a: Scalar, b: Scalar) -> Scalar:
        return Scalar(T.conj((a.term, b.term)), True)

    sides = [argument(m, a) for a in node.args]
    if len(sides) != 2 or node.keywords or not all(isinstance(v, Vector | RowRef) for v in sides):
        raise m.stop("np.outer of these objects", node, "E0315")
    left, right = (arrays.vector(m, v) for v in sides)
    if all(probe(v).term.kind == "bool" for v in (left, right)):
        return sheets.apply(m, both, sheets.turned(sheets.of(m, left)), right)
    if not all(m.holds(T.compare("==", v.length, T.N)) for v in (left, right)):
        raise m.stop("a matrix that is not n by n", node, "E0315")

    def cell(r: Term, c: Term) -> Scalar:
        found = binary(m, "*", left.at(r), right.at(c))
        assert isinstance(found, Scalar)
        return found

    product = Sheet(cell, own=True)
    if not sheets.of_numbers(product):
        return product  # of whole numbers, to which numpy cuts what is assigned later
    return made(m, "outer", lambda r, c: (T.TRUE, cell(r, c).term))


def as_grid(m: Machine, value: Value) -> Value:
    """``np.tril(np.ones((n, n)))`` as a matrix of its own, where it is more than a mask."""
    if isinstance(value, Opaque) and value.name == "tril":
        return made(m, "tril", lambda r, c: (T.compare("<=", c, r), T.const(1.0)))
    return value


def rejoined(m: Machine, before: dict[str, int], branches: list[tuple[State, dict[str, int]]]) -> None:
    """After two branches that each made new arrays of a matrix, or left it as it was, it is one matrix again."""
    for matrix, version in before.items():
        found = [versions[matrix] for _, versions in branches]
        if found == [version, version]:
            continue
        from attndsl.dsl.pyimport.lift import arrays

        m.matrices[matrix] = max(found)
        one = arrays._next(m, Grid(matrix, max(found)))
        for (state, _), own in zip(branches, found, strict=True):
            for names in state.frames.values():
                for name, value in names.items():
                    if value == Grid(matrix, own):
                        names[name] = one


def combined(m: Machine, a: Grid, b: Grid, op: str) -> Value:
    """``a + b``, ``a - b`` and ``a * b`` of two matrices: the first takes the result in; it must not be used again."""
    from attndsl.dsl.pyimport.lift import arrays

    other = arrays.current(m, b)

    def cell(r: Term, c: Term) -> Term:
        weight = m.read_cell(other, r, c)
        return T.neg(weight) if op == "-" else weight

    return arrays.whole(m, "scale" if op == "*" else "add", a, cell)
