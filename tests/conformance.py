"""What any back end must do: give the interpreter's matrix, or the interpreter's error at the interpreter's query.

A back end is a factory: checked programs in, a function from (table, host) to one result per program out. A new one
passes when ``run_conformance(factory)`` raises nothing; ``tests/compiler/test_backends.py`` runs it for those at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from cases import CASES, FAILURES, near
from strategies import RandomChoices, make_table

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import HostFunction, interpret
from attndsl.dsl.library import builtin_programs
from attndsl.dsl.parser import parse_program
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.program import on_host

Host = Mapping[str, HostFunction]
Result = np.ndarray | DiagnosticError
Run = Callable[[TokenTable, Host], list[Result]]
Factory = Callable[[Sequence[TypedProgram]], Run]
Outcome = np.ndarray | str


def array_backend(name: str, device: str = "cpu") -> Factory:
    """The array machine on numpy or torch as a factory; ``device`` is torch's."""

    def factory(typed: Sequence[TypedProgram]) -> Run:
        compiled = machine(compile_library(typed), name, device)

        def run(table: TokenTable, host: Host) -> list[Result]:
            found = compiled.run(Leaves(table, host))
            return [r if isinstance(r, DiagnosticError) else np.asarray(on_host(r)) for r in found]

        return run

    return factory


def bytecode_backend(typed: Sequence[TypedProgram]) -> Run:
    """The compiled machine of the runtime as a factory."""
    from attndsl.runtime.machine import BytecodeMachine

    compiled = BytecodeMachine(compile_library(typed))
    return lambda table, host: list(compiled.run(Leaves(table, host)))


BACKENDS: dict[str, Factory] = {
    "numpy": array_backend("numpy"), "torch": array_backend("torch"), "numba": bytecode_backend,
}  # fmt: skip


def outcome(result: Result) -> Outcome:
    """The matrix, or code and query of the error."""
    if isinstance(result, DiagnosticError):
        return f"{result.diagnostics[0].code} at query {getattr(result, 'query', None)}"
    return result


def outcome_of_interpreter(typed: TypedProgram, table: TokenTable, host: Host) -> Outcome:
    """What the language says."""
    try:
        return interpret(typed, table, host)
    except DiagnosticError as error:
        return outcome(error)


def disagreement(expected: Outcome, found: Outcome, tolerance: float = 1e-9) -> str | None:
    """How the two differ, or None. ``tolerance`` is relative for numbers above one and absolute below."""
    if isinstance(expected, str) or isinstance(found, str):
        if isinstance(expected, str) and isinstance(found, str):
            return None if expected == found else f"expected {expected}, got {found}"
        return f"expected {expected if isinstance(expected, str) else 'a matrix'}, got {found}"
    if expected.shape != found.shape:
        return f"expected shape {expected.shape}, got {found.shape}"
    if np.allclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True):
        return None
    return f"expected\n{expected}\ngot\n{found}"


def compare(typed: TypedProgram, table: TokenTable, expected: Outcome, factory: Factory, host: Host) -> str | None:
    """Run one program on one back end against the expected outcome."""
    try:
        found = outcome(factory([typed])(table, host)[0])
    except DiagnosticError as error:
        found = outcome(error)
    return disagreement(expected, found)


# ---------------------------------------------------------------- the suite


def run_conformance(factory: Factory) -> None:
    """Raise AssertionError at the first thing that the back end does otherwise than the interpreter."""
    check_cases(factory)
    check_failures(factory)
    check_library(factory)
    check_prefixes(factory)


def check_cases(factory: Factory) -> None:
    """Every accepted case gives the matrix that is written beside it."""
    for case in CASES:
        found = outcome(factory([check(parse_program(case.program))])(case.table(), {"near": near})[0])
        assert not isinstance(found, str), f"{case.name}: {found}"
        expected = np.array(case.expected, dtype=np.float64).reshape(found.shape)
        problem = disagreement(expected, found)
        assert problem is None, f"{case.name}: {problem}"


def check_failures(factory: Factory) -> None:
    """Run-time errors have the code and the query that are written beside them."""
    for case in FAILURES:
        found = outcome(factory([check(parse_program(case.program))])(case.table(), {})[0])
        assert found == f"{case.code} at query {case.query}", f"{case.name}: {found}"


@cache
def _library() -> tuple[TypedProgram, ...]:
    return tuple(check(program) for program in builtin_programs())


@cache
def _sentences() -> tuple[TokenTable, ...]:
    return tuple(make_table(RandomChoices(seed), least=6, most=18) for seed in range(30))


@cache
def _expected(number: int) -> tuple[Outcome, ...]:
    return tuple(outcome_of_interpreter(typed, _sentences()[number], {}) for typed in _library())


def check_library(factory: Factory) -> None:
    """The whole built-in library on 30 short texts, compiled as one."""
    run = factory(_library())
    for number, table in enumerate(_sentences()):
        for typed, expected, result in zip(_library(), _expected(number), run(table, {}), strict=True):
            problem = disagreement(expected, outcome(result), 1e-6)
            assert problem is None, f"{typed.name} on {table.surface}: {problem}"


def check_prefixes(factory: Factory) -> None:
    """Rows of a causal head are those of the text cut off after them."""
    causal = [typed for typed in _library() if typed.causal and not typed.needs_words]
    run = factory(causal)
    for table in _sentences()[:4]:
        whole = run(table, {})
        for n in (1, len(table) // 2, len(table) - 1):
            for typed, all_rows, rows in zip(causal, whole, run(prefix(table, n), {}), strict=True):
                assert not isinstance(all_rows, DiagnosticError), typed.name
                problem = disagreement(all_rows[:n, :n], outcome(rows))
                assert problem is None, f"{typed.name} on the first {n} of {table.surface}: {problem}"


def prefix(table: TokenTable, n: int) -> TokenTable:
    """The first n tokens of a text, as a table."""
    columns = {
        name: getattr(table, name)[:n]
        for name in ("ids", "raw", "start", "end", "surface", "special", "word_start", "sentence", "in_quotes")
    }
    return TokenTable(text=table.text[: max(columns["end"], default=0)], parse=table.parse, **columns)
