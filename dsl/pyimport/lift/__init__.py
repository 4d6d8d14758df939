"""Python programs -> programs of the attention language, by symbolic execution.

``lift_function`` runs one function on symbolic values: the loop over queries becomes the q axis, the loop over keys the
k axis, other loops aggregates, branches conditions. What it cannot express exactly it refuses with ``NotLiftable``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from attndsl.dsl import nodes as D
from attndsl.dsl import pytree
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.pyimport.aligners import Aligner
from attndsl.dsl.pyimport.lift import assemble, calls, defaults, linear, matrices, preparing, sheets, subscripts
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.encoding import token_list
from attndsl.dsl.pyimport.lift.file_level import file_level
from attndsl.dsl.pyimport.lift.frames import Frame, Scope
from attndsl.dsl.pyimport.lift.machine import Machine, NotLiftable, Retry
from attndsl.dsl.pyimport.lift.preparing import prepared
from attndsl.dsl.pyimport.lift.statements import run
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Choice, Closure, Grid, NoneValue, Opaque, Scalar, TupleValue, Value
from attndsl.dsl.pyimport.module import Interface, PyProgram
from attndsl.dsl.pyimport.scopes import bound_names
from attndsl.dsl.source import SourceFile

__all__ = ["NotLiftable", "calls", "lift_function", "lift_program", "subscripts"]


def lift_program(program: PyProgram, remembered: dict[Hashable, Any] | None = None) -> TypedProgram:
    """The lifted and checked form of a program of a file. Raises NotLiftable; see ``lift_function``.

    ``remembered`` is for the programs of one file: what a helper did in one of them is not executed again.
    """
    module = program.module
    constants, volatile = file_level(module)
    return _lift(
        program.node,
        module.functions,
        constants,
        module.source,
        program.description,
        module.imports,
        volatile,
        program.interface is Interface.BARE,
        module.aligners,
        {} if remembered is None else remembered,
    )


def lift_function(
    function: ast.FunctionDef,
    functions: Mapping[str, ast.FunctionDef],
    constants: Mapping[str, ast.expr],
    source: SourceFile,
    description: str = "",
    imports: Mapping[str, str] = MappingProxyType({}),
    volatile: frozenset[str] = frozenset(),
    bare: bool = False,
) -> D.Program:
    """The program of a Python function ``f(sentence, tokenizer) -> (name, matrix)``.

    ``functions`` and ``constants`` are what the file defines at module level, ``imports`` its import statements (local
    name -> dotted target), ``volatile`` the names whose values change. With ``bare`` the second parameter is the
    list of tokens itself and the matrix is returned alone. The result is bidirectional and equals
    the matrix that Python returns. Raises NotLiftable (reason, span, code E03xx).
    """
    return _lift(function, functions, constants, source, description, imports, volatile, bare, {}, {}).program


def _lift(
    function: ast.FunctionDef,
    functions: Mapping[str, ast.FunctionDef],
    constants: Mapping[str, ast.expr],
    source: SourceFile,
    description: str,
    imports: Mapping[str, str],
    volatile: frozenset[str],
    bare: bool,
    aligners: Mapping[str, Aligner],
    remembered: dict[Hashable, Any],
) -> TypedProgram:
    _forget()
    m = Machine(source, functions, constants, imports, volatile, aligners=aligners, remembered=remembered)
    if T.used_up():
        raise _stopped(m, str(T.TooLarge()), "E0309", function)
    try:
        return _lifted(m, function, description, bare)
    except NotLiftable as stop:
        if stop.code == BUG or T.used_up():
            raise  # another form might be lifted, and hide the mistake; or there is nothing left to make it of
        for other in _others(m, function, stop):
            _forget()
            try:
                return _lifted(other, function, description, bare)
            except NotLiftable as again:
                if again.code == BUG:
                    raise
        raise


def _others(m: Machine, function: ast.FunctionDef, stop: NotLiftable) -> Iterator[Machine]:
    """Further ways to lift the function."""
    at_once, by_cell = stop.code == "E0309" and m.long_ranges, stop.code == "E0321"
    exactly = m.rounded and not m.exactly
    ways = [0] if at_once or by_cell or exactly else []
    if not at_once and len(pytree.walk(function)) <= _MOST_NODES:
        ways += preparing.further_forms(m, function)
    for way in ways:
        again = Machine(m.source, m.functions, m.constants, m.imports, m.volatile, aligners=m.aligners)
        again.at_once, again.by_cell, again.put_otherwise = at_once, by_cell, way
        again.exactly = exactly
        yield again


_MOST_NODES = 3_000
"""Of a function that is lifted once more in another form; the largest published one has a third of it. More would let
a source that is made to be slow take several times as long."""


def _forget() -> None:
    """Terms of the program before."""
    T.clear()
    linear.forget()


def _lifted(m: Machine, function: ast.FunctionDef, description: str, bare: bool) -> TypedProgram:
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(max(limit, 6000))
        result = _execute(m, function, bare)
        claims = (" ".join(description.split()),) if description.strip() else ()
        program = assemble.program(m, function.name, claims, result)
        return _checked(replace(program, source=m.source))  # run-time errors point into the Python file
    except NotLiftable as stop:
        if stop.span is None:
            stop.span = m.span(stop.node or m.node)
        raise
    except Retry as retry:
        raise _stopped(m, f"{retry.what} is carried through the program in an unknown way", "E0317") from None
    except T.TooLarge as stop:
        raise _stopped(m, str(stop), "E0309") from None
    except RecursionError:
        raise _stopped(m, "the program is nested too deeply", "E0309") from None
    except MemoryError:
        raise
    except Exception as error:  # a mistake of ours may cost this program its rules, not the others of the file theirs
        what = f"{error.__class__.__name__}: {error}".rstrip(": ")
        raise _stopped(m, f"a rule of the lifter failed, a bug of attndsl, please report it ({what})", BUG) from error
    finally:
        T.settle()
        sys.setrecursionlimit(limit)


BUG = "E0323"


def _checked(program: D.Program) -> TypedProgram:
    """The program, when the language accepts it."""
    try:
        return check(program)
    except DiagnosticError as error:
        found = error.diagnostics[0]
        too_large = found.code in ("E0212", "E0003")
        raise NotLiftable(found.headline, None, "E0309" if too_large else "E0322") from None


def _stopped(m: Machine, reason: str, code: str, node: ast.AST | None = None) -> NotLiftable:
    node = node or m.node
    found = NotLiftable(reason, node, code)
    found.span = m.span(node)
    return found


def _execute(m: Machine, function: ast.FunctionDef, bare: bool) -> assemble.Result:
    function = prepared(m, function)
    parameters = [a.arg for a in function.args.args]
    if len(parameters) < 2:
        raise m.stop("a program takes the sentence and the tokenizer", function, "E0307")
    key = next(m.keys)
    frame = Frame(key, (Scope(key, bound_names(function)),), function)
    m.frames.append(frame)
    tokens: Value = m.allocate(token_list()) if bare else Opaque("tokenizer")
    names: dict[str, Value] = {parameters[0]: Opaque("sentence"), parameters[1]: tokens}
    defaults.complete(m, Closure(function), names)
    m.state.frames[frame.key] = names
    alive = run(m, function.body)
    if alive:
        raise m.stop("the program may return nothing", function, "E0307")
    found: list[tuple[Term, Value]] = []
    for state, value in frame.returns:
        for c, leaf in _leaves(T.conj(state.path[1:]), value):
            found.append((c, leaf))
    return _result(m, found, function, bare)


def _leaves(c: Term, value: Value) -> list[tuple[Term, Value]]:
    if isinstance(value, Choice):
        return [
            *_leaves(T.conj((c, value.condition)), value.then),
            *_leaves(T.conj((c, T.not_(value.condition))), value.other),
        ]
    return [(c, value)]


def _result(m: Machine, found: list[tuple[Term, Value]], node: ast.AST, bare: bool) -> assemble.Result:
    grids: dict[str, Term] = {}
    single: Term | None = None
    nothing = T.FALSE
    for c, value in found:
        matrix = _made(m, value if bare else _second(m, value, node), c)
        if isinstance(matrix, Choice):
            raise m.stop("one matrix or another is returned", node, "E0315")
        match matrix:
            case Grid():
                if not _is_kept(m, matrix, c):
                    raise m.stop("an earlier version of the matrix is returned", node, "E0315")
                grids[matrix.matrix] = T.disj((grids.get(matrix.matrix, T.FALSE), T.conj((c,))))
            case Opaque(name="literal", data=((cell,),)) if m.prover.implies(
                (*m_base(), c), T.compare("==", T.N, T.ONE)
            ):
                if c not in (T.compare("==", T.N, T.ONE), T.compare("<=", T.N, T.ONE)):
                    raise m.stop("a single weight is returned under a condition", node, "E0315")
                single = cell
            case Opaque(name="filled") if _is_zero(matrix):
                nothing = T.disj((nothing, c))
            case NoneValue():
                raise m.stop("the program may return nothing", node, "E0307")
            case _:
                raise m.stop("what is returned is not the matrix", node, "E0315")
    if len(grids) > 1 or _filled_where(m, grids, nothing):
        if m.loops:
            raise m.stop("one matrix or another is returned", node, "E0315")
        return assemble.Result(_either(m, grids, nothing), single)
    return assemble.Result(next(iter(grids), None), single)


def _is_kept(m: Machine, grid: Grid, c: Term) -> bool:
    """Nothing changes the matrix any more where this version of it is returned."""
    if m.matrices[grid.matrix] == grid.version:
        return True
    later = m.events[m.replaced[grid.matrix, grid.version] :]
    return T.conj((c,)) is not T.TRUE and all(
        m.prover.impossible([*e.path, *T.parts(c)]) for e in later if e.matrix == grid.matrix
    )


def _made(m: Machine, value: Value, c: Term) -> Value:
    """A matrix of one number, as ``np.ones((n, n)) / n``, and a triangle of ones get a place; others have one."""
    if c in (T.compare("==", T.N, T.ONE), T.compare("<=", T.N, T.ONE)):
        if isinstance(value, Opaque) and value.name == "filled":
            return Opaque("literal", ((value.data.term,),))
        if isinstance(value, Opaque) and value.name == "tril":
            return Opaque("literal", ((T.const(1.0),),))
    if isinstance(value, Opaque) and (value.name == "tril" or (value.name == "filled" and not _is_zero(value))):
        m.state.path = m_base()
        m.state.path = m.state.along(c)  # elsewhere the number may be none
        return sheets.placed(m, sheets.of(m, value), "result")
    return value


def _is_zero(value: Opaque) -> bool:
    return isinstance(value.data, Scalar) and value.data.term in (T.ZERO, T.const(0.0))


def _filled_where(m: Machine, grids: Mapping[str, Term], nothing: Term) -> bool:
    """Something is written into the matrix, or may be, where zeros are returned in its place."""
    return any(e.matrix in grids and not m.prover.impossible([*e.path, nothing]) for e in m.events if e.op != "check")


def _either(m: Machine, grids: Mapping[str, Term], nothing: Term) -> str:
    """A matrix that is each of them under its condition, and zero where nothing is returned."""
    m.state.path = m_base()

    def cell(row: Term, column: Term) -> tuple[Term, Term]:
        value: Term | None = None
        for name, c in reversed([*grids.items()]):
            own = m.read_cell(name, row, column)
            value = own if value is None else T.ite(c, own, value)
        assert value is not None
        return T.not_(nothing), value

    return matrices.made(m, "result", cell).matrix


def _second(m: Machine, value: Value, node: ast.AST) -> Value:
    """The matrix of the pair that a program returns."""
    if isinstance(value, TupleValue) and len(value.items) == 2:
        return value.items[1]
    if isinstance(value, NoneValue):
        return value
    raise m.stop("what is returned is not a name and the matrix", node, "E0315")


def m_base() -> tuple[Term, ...]:
    return (T.compare(">=", T.N, T.ONE),)


T.keep()
