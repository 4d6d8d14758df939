"""Claims that can be checked: ``claim mass at least 0.6 on q - 1 when q > 0``, asked of finished patterns.

Where a claim's target and condition hold is computed by a program of the language, as in ``rules.firing``. Claims about
a change of the text are judged in ``changes``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler import Leaves, compile_library
from attndsl.dsl import nodes as N
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.printer import statement
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.falsify.judge import Head, Judge, Trial
from attndsl.runtime.falsify.rules import RuleKernel, lifted
from attndsl.runtime.falsify.texts import Pieces
from attndsl.runtime.machine import BytecodeMachine
from attndsl.runtime.program import Program

SLACK = 1e-5
"""How far a row may miss the bound: float32 weights of a row of 128 keys add up to within it."""


def claims_of(program: Program) -> tuple[N.CheckedClaim, ...]:
    """The claims that can be checked, in order. Raises DiagnosticError E0802 for a program that was not lifted."""
    return tuple(item for item in lifted(program).program.items if isinstance(item, N.CheckedClaim))


@dataclass(frozen=True)
class Asked:
    """Of what a claim speaks on one text: the target's tokens in each row, [n, n], and the rows it is about, [n]."""

    target: NDArray[np.bool_]
    rows: NDArray[np.bool_]


class ClaimKernel:
    """One claim of a program, asked of texts and of patterns."""

    def __init__(self, program: Program, claim: N.CheckedClaim) -> None:
        self.claim = claim
        self.text = " ".join(statement(claim).split())
        self.causal = lifted(program).program.direction == "causal"
        self._program = program
        typed = lifted(program)
        probes = [_probe(typed, claim.target, claim.when), _probe(typed, N.At(N.FirstPosition()), claim.when)]
        self._machine = BytecodeMachine(compile_library(probes))

    @property
    def about_changes(self) -> bool:
        return self.claim.kind.startswith("unchanged")

    def asked(self, table: TokenTable) -> Asked:
        """Raises DiagnosticError E04xx, E0611 where the claim itself cannot be computed."""
        found = []
        for matrix in self._machine.run(Leaves(table, self._program.host_for(table))):
            if isinstance(matrix, DiagnosticError):
                raise matrix
            found.append(matrix != 0)
        return Asked(found[0], found[1][:, 0])

    def gaps(self, table: TokenTable, pattern: NDArray[np.float32]) -> NDArray[np.float64]:
        """By how much each row misses the bound of a claim about mass, [n]: positive where it is false, -inf where it
        says nothing. Raises DiagnosticError as ``asked``."""
        asked = self.asked(table)
        mass = np.where(asked.target, pattern.astype(np.float64), 0.0).sum(axis=1)
        gap = self.claim.bound - mass if self.claim.kind == "mass_at_least" else mass - self.claim.bound
        return np.where(asked.rows, gap, -np.inf)


def _probe(typed: TypedProgram, target: N.At | N.Each, when: N.Expr | None) -> TypedProgram:
    """A program that has 1 where the target and the condition hold."""
    lets = tuple(item for item in typed.program.items if isinstance(item, N.Let))
    rule = N.Rule("set", N.Number(1.0), target, when=when)
    return check(replace(typed.program, items=(*lets, rule)))


class ClaimJudge(Judge):
    """Judges texts by a claim about mass: a trial's score is 1 less the largest gap of a row, so above 1 - ``SLACK`` it
    holds. Without a head, the claim is held against the program's own pattern."""

    def __init__(
        self,
        kernel: RuleKernel,
        claim: ClaimKernel,
        head: Head | None,
        tokenizer: Any,
        least_tokens: int,
        most_tokens: int,
    ) -> None:
        def own(tables: Any) -> list[NDArray[np.float32]]:
            return [kernel.patterns(table).patterns[0] for table in tables]

        super().__init__(kernel, head or own, tokenizer, least_tokens, most_tokens)
        self.claim = claim
        self._own = head is None

    def failure(self, table: TokenTable) -> DiagnosticError | None:
        """Why the program has no pattern on a text. What a head does is not touched by its program's errors."""
        return self.kernel.patterns(table).errors.get(0) if self._own else None

    def _trial(self, pieces: Pieces, table: TokenTable, head: NDArray[np.float32]) -> Trial:
        error = self.failure(table)
        if error is not None:
            return Trial(pieces, len(table), 0.0, self.seen(table), error)
        gap = float(self.claim.gaps(table, head).max(initial=-np.inf))
        return Trial(pieces, len(table), 1.0 - max(gap, -1.0), self.seen(table))
