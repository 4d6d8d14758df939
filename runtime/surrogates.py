"""Programs as what stands in for heads: whole patterns, their last rows for decoding, or linear forms without one.

Which of the three is used is the model's business (``models/inject.py``); what each costs is said by ``dense_reasons``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler import Leaves, machine
from attndsl.compiler.build import Builder
from attndsl.compiler.structure import LinearForm, linear_form
from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.pattern import normalise
from attndsl.runtime.program import Program, on_host
from attndsl.runtime.tokenize import token_table_of_ids

LINEAR_FROM = 256
"""Tokens. Cells grow with the square of a text, and below this number there are so few of them that computing each one
takes less time than preparing the linear forms (SmolLM2 at 128 tokens, all heads: 25 against 190 ms of 550)."""

Flex = Literal["eager", "compiled"]


class Surrogates:
    """Programs for heads, one per head, in order; equal programs are computed once.

    Inside a model a program that fails on the text is an error, not a guess: its DiagnosticError is raised.
    ``linear=False`` computes every cell, for comparison; texts of fewer than ``linear_from`` tokens are computed so
    in any case. ``flex``: forms are applied by FlexAttention, run as it is or compiled (``runtime/linear/flex.py``),
    to texts of any length; programs without a form are then refused (E0636).
    """

    def __init__(
        self,
        programs: Sequence[Program],
        causal: bool,
        tokenizer: Any,
        *,
        linear: bool = True,
        linear_from: int = LINEAR_FROM,
        flex: Flex | None = None,
        **backend: Any,
    ) -> None:
        self.distinct = list({id(program): program for program in programs}.values())
        place = {id(program): index for index, program in enumerate(self.distinct)}
        self.order = [place[id(program)] for program in programs]
        self.causal = causal
        self.tokenizer = tokenizer
        self._backend = backend
        self._linear_from = 0 if flex is not None else linear_from
        self._flex = flex
        self._kernels: dict[tuple[int, ...], LibraryKernel] = {}
        builder = Builder()
        self._forms: list[LinearForm | str] = [
            linear_form(program.typed, causal, builder)
            if linear and program.typed is not None
            else "no linear form was asked for"
            for program in self.distinct
        ]
        if flex is not None:
            _require_forms(self.dense_reasons)

    @property
    def dense_reasons(self) -> dict[str, str]:
        """Why a program computes every cell, by its name; programs with a linear form are left out."""
        pairs = zip(self.distinct, self._forms, strict=True)
        return {program.name: form for program, form in pairs if isinstance(form, str)}

    def __call__(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Patterns of all heads, float32 [heads, n, n]."""
        return self.patterns(ids, range(len(self.order)))

    def patterns(self, ids: Sequence[int], heads: Sequence[int]) -> NDArray[np.float32]:
        """Patterns of some heads, by their place: float32 [len(heads), n, n]."""
        wanted = tuple(dict.fromkeys(self.order[head] for head in heads))
        if wanted not in self._kernels:
            self._kernels[wanted] = LibraryKernel([self.distinct[i] for i in wanted], self.causal, **self._backend)
        predicted = self._kernels[wanted].predict(token_table_of_ids(list(ids), self.tokenizer))
        for error in predicted.errors.values():
            raise error
        found: NDArray[np.float32] = predicted.patterns[[wanted.index(self.order[head]) for head in heads]]
        return found

    def last_rows(self, ids: Sequence[int], count: int) -> NDArray[np.float32]:
        """The last ``count`` rows of every pattern, float32 [heads, count, n]: what a decoding step needs.

        A program that reads rows of other queries, or that has no compiled form, computes all of them.
        """
        table = token_table_of_ids(list(ids), self.tokenizer)
        n = len(table)
        rows = np.empty((len(self.distinct), count, n), dtype=np.float32)
        for index, program in enumerate(self.distinct):
            rows[index] = self._last_rows(program, table, n - count)
        return rows[self.order]

    def _last_rows(self, program: Program, table: Any, start: int) -> NDArray[np.float32]:
        if program.typed is None or not self.causal:
            return normalise(program.matrix(table), causal=self.causal, name=program.name)[start:]
        with np.errstate(all="ignore"):
            (found,) = machine([program.ir], "numpy").run_rows(Leaves(table, program.host), start)
        if isinstance(found, DiagnosticError):
            raise found
        # Rows above the last ones are zeros, whose normalised form nobody reads.
        matrix = np.zeros((len(table), len(table)))
        matrix[start:] = on_host(found)
        return normalise(matrix, causal=True, name=program.name)[start:]

    def forms(self, ids: Sequence[int], device: str) -> list[Any]:
        """One form with ``apply(values [n, m])`` per head; None where this text needs the pattern."""
        from attndsl.runtime.linear import FlexForm, LinearProgram, values_of

        linear = {index: form for index, form in enumerate(self._forms) if not isinstance(form, str)}
        if not linear or len(ids) < self._linear_from:
            return [None] * len(self.order)
        leaves = Leaves(token_table_of_ids(list(ids), self.tokenizer), {})
        values = values_of(list(linear.values()), leaves, device)
        found: list[Any] = [None] * len(self._forms)
        for index, form in linear.items():
            made = LinearProgram(form, device).on(leaves, values)
            if not isinstance(made, str):
                found[index] = made if self._flex is None else FlexForm(made, form.causal, self._flex == "compiled")
        return [found[place] for place in self.order]


def _require_forms(reasons: dict[str, str]) -> None:
    for name, reason in reasons.items():
        raise fail(
            "E0636", f"the program {name!r} cannot be said as a score modification: {reason}",
            help="leave flex out: such programs are computed cell by cell",
        )  # fmt: skip


def surrogates_of(programs: Sequence[Any], causal: bool, tokenizer: Any, flex: Flex | None = None) -> Surrogates | None:
    """``Surrogates`` where every stand-in is a program of ours that was not refused; None otherwise."""
    ours = [p for p in programs if isinstance(p, Program) and (p.typed is not None or p.bounded is not None)]
    if not programs or len(ours) != len(programs) or any(p.causal != causal for p in ours):
        return None
    return Surrogates(ours, causal, tokenizer, flex=flex, backend="numpy")
