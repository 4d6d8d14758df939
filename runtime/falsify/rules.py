"""A program taken apart: its rules, the program without each of them, and where each of them fires.

Both are programs of the language themselves, so that they mean what the language says and run on every back end:
one statement is left out, or what stands before a rule is kept and the rule writes into a matrix of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler import Leaves, compile_library
from attndsl.dsl import nodes as N
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.dsl.printer import statement
from attndsl.dsl.source import NO_SPAN
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.kernel import LibraryKernel, Predicted
from attndsl.runtime.machine import BytecodeMachine
from attndsl.runtime.program import Program


@dataclass(frozen=True)
class RuleOf:
    """One rule: its number among the rules from 0, its place among the statements, its text, and its line if known."""

    number: int
    item: int
    text: str
    line: int | None


def rules_of(program: Program) -> tuple[RuleOf, ...]:
    """The rules in the order in which they run. Raises DiagnosticError E0802 for a program that was not lifted."""
    typed = lifted(program)
    source = typed.program.source
    found: list[RuleOf] = []
    for place, item in enumerate(typed.program.items):
        if isinstance(item, N.Rule):
            known = source is not None and item.span != NO_SPAN
            line = source.position(item.span.start)[0] if known and source is not None else None
            found.append(RuleOf(len(found), place, " ".join(statement(item).split()), line))
    return tuple(found)


def lifted(program: Program) -> TypedProgram:
    """The program's checked form. Raises DiagnosticError E0802 when it has none."""
    if program.typed is None:
        raise fail(
            "E0802", f"{program.name!r} was {program.outcome.value}: it has no rules to look at one by one",
            help="programs of .attn files and lifted ones have rules; attndsl check FILE shows why it was not lifted",
        )  # fmt: skip
    return program.typed


def with_items(program: Program, items: Sequence[N.Item]) -> Program:
    """The program with other statements, checked again."""
    typed = lifted(program)
    return replace(program, typed=check(replace(typed.program, items=tuple(items))))


def without_rule(program: Program, rule: RuleOf) -> Program:
    """The program with one rule left out; every other statement stays."""
    items = lifted(program).program.items
    return with_items(program, items[: rule.item] + items[rule.item + 1 :])


def firing(program: Program, rule: RuleOf) -> Program:
    """A program whose matrix is not zero exactly where the rule fires.

    A rule fires at a cell when its condition holds for the query and its target holds the key; ``add`` and ``share``
    only where the number they give is not zero, since language models write conditions into numbers, too.
    """
    typed = lifted(program)
    items = typed.program.items
    at = items[rule.item]
    assert isinstance(at, N.Rule)
    taken = {item.name for item in items if isinstance(item, N.Let | N.Matrix)}
    name = next(n for n in ("Fired", *(f"Fired{i}" for i in range(len(taken) + 1))) if n not in taken)
    value = at.value if at.action in ("add", "share") else N.Number(1.0)
    action = at.action if at.action in ("add", "share") else "set"
    probe = replace(at, action=action, value=value, matrix=name)
    show = N.Rule("set", N.Cell(name, N.Var("q"), N.Var("k")), N.Each(N.Binder("k")))
    return with_items(program, [*items[: rule.item], N.Matrix(name), probe, show])


class RuleKernel:
    """A lifted program, compiled together with itself less each rule, and with what shows where each rule fires."""

    def __init__(self, program: Program, causal: bool) -> None:
        self.program = program
        self.rules = rules_of(program)
        self._ablated = LibraryKernel([program, *(without_rule(program, rule) for rule in self.rules)], causal)
        probes = [firing(program, rule).typed for rule in self.rules]
        self._firing = BytecodeMachine(compile_library([typed for typed in probes if typed is not None]))

    def patterns(self, table: TokenTable) -> Predicted:
        """The program's pattern, then its pattern without rule 0, without rule 1, ...: float32 [1 + rules, n, n]."""
        return self._ablated.predict(table)

    def fired(self, table: TokenTable) -> NDArray[np.bool_]:
        """Where each rule fires: [rules, query, key]; nowhere from the rule on that fails on this text."""
        n = len(table)
        found = np.zeros((len(self.rules), n, n), dtype=bool)
        if not self.rules:
            return found
        for number, matrix in enumerate(self._firing.run(Leaves(table, self.program.host_for(table)))):
            if not isinstance(matrix, DiagnosticError):
                found[number] = matrix != 0
        return found
