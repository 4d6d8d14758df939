"""The meaning of the language: a checked program and a token table -> the matrix, in float64, with plain loops.

Slow and obvious on purpose. Every compiled back end is tested against this module; where they disagree, they are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import NUMBER_FUNCTIONS, exp
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.evaluator import Evaluator, largest, true
from attndsl.dsl.failures import statements
from attndsl.dsl.run_error import RunError
from attndsl.dsl.tokens import TokenTable

HostFunction = Callable[[list[str], int, int], float]
MatrixRows = list[list[float]]


def interpret(typed: TypedProgram, table: TokenTable, host: Mapping[str, HostFunction] | None = None) -> np.ndarray:
    """The matrix of a program on one text: float64 [query, key], as the program leaves it.

    ``host`` gives the relations that the program reads with ``host("name", a, b)``. In a causal head everything a query
    reads is what it would read in the text cut off after it.

    Raises DiagnosticError: E0401 (division by zero), E0402 (a none used as a value), E0403 (power without real value),
    E0405 (host relation missing), E0611 (word features without a parser).
    """
    return np.array(_Run(typed, table, host or {}).matrix(), dtype=np.float64).reshape(len(table), len(table))


@dataclass
class _Run:
    typed: TypedProgram
    table: TokenTable
    host: Mapping[str, HostFunction]
    matrices: dict[str, MatrixRows] = field(default_factory=dict)

    def matrix(self) -> MatrixRows:
        n = len(self.table)
        self.matrices["W"] = [[0.0] * n for _ in range(n)]
        self.require()
        evaluator = Evaluator(self.typed, self.table, self.host, self.matrices)
        for item, *together in statements(self.typed.program):
            if together:
                self.failures([item, *together], evaluator)
                continue
            match item:
                case N.Matrix(name=name):
                    self.matrices[name] = [[0.0] * n for _ in range(n)]
                case N.Rule():
                    self.matrices[item.matrix] = self.rule(item, evaluator)
                case N.Normalize():
                    self.normalize(item)
                case N.Softmax():
                    self.matrices[item.matrix] = self.softmax(item, evaluator)
                case N.Mask(matrix=name):
                    for q in range(n):
                        self.matrices[name][q][q + 1 :] = [0.0] * (n - q - 1)
        return self.matrices["W"]

    def require(self) -> None:
        """Words and host relations must be there before anything runs, whether or not a rule comes to read them."""
        program = self.typed.program
        for name in self.typed.hosts:
            if name not in self.host:
                raise RunError("E0405", f"the host gives no relation {name!r}", program.name, None, program.span)
        if self.typed.needs_words:
            _ = self.table.words

    def keys(self, q: int) -> range:
        """The keys a query may see."""
        return range(q + 1) if self.typed.causal else range(len(self.table))

    # ------------------------------------------------------------ rules

    def rule(self, rule: N.Rule, evaluator: Evaluator) -> MatrixRows:
        """The rule's matrix after it; every value is computed from the state before it."""
        after = [row[:] for row in self.matrices[rule.matrix]]
        for q in range(len(self.table)):
            evaluator.query, evaluator.key = q, None
            if rule.when is not None and not true(evaluator.value(rule.when, {"q": q})):
                continue
            targets = self.targets(rule, q, evaluator)
            if rule.action == "share":
                self.share(rule, q, targets, evaluator, after[q])
                continue
            for k in targets:
                x = self.number(rule, rule.value, q, k, evaluator)
                after[q][k] = _updated(rule.action, after[q][k], x)
        return after

    def failures(self, rules: list[N.Item], evaluator: Evaluator) -> None:
        """Rules that change nothing or fail, query by query."""
        for q in range(len(self.table)):
            for rule in rules:
                assert isinstance(rule, N.Rule)
                evaluator.query, evaluator.key = q, None
                if rule.when is None or true(evaluator.value(rule.when, {"q": q})):
                    for k in self.targets(rule, q, evaluator):
                        self.number(rule, rule.value, q, k, evaluator)

    def targets(self, rule: N.Rule, q: int, evaluator: Evaluator) -> list[int]:
        if isinstance(rule.target, N.Each):
            return [k for k in evaluator.bound_values(rule.target.binder, {"q": q}) if k in self.keys(q)]
        position = evaluator.position(evaluator.value(rule.target.position, {"q": q}))
        return [] if position is None else [position]

    def share(self, rule: N.Rule, q: int, targets: list[int], evaluator: Evaluator, row: list[float]) -> None:
        weights = [1.0 if rule.weight is None else self.number(rule, rule.weight, q, k, evaluator) for k in targets]
        total = 0.0
        for weight in weights:
            total += weight
        if total == 0:
            return
        for k, weight in zip(targets, weights, strict=True):
            row[k] += self.number(rule, rule.value, q, k, evaluator) * weight / total

    def number(self, rule: N.Rule, node: N.Expr, q: int, k: int, evaluator: Evaluator) -> float:
        bound = rule.target.binder.var if isinstance(rule.target, N.Each) else "k"
        evaluator.key = k
        value = evaluator.value(node, {"q": q, bound: k})
        if value is None:
            raise evaluator.error("E0402", "the value is none", node)
        return float(value)

    # ------------------------------------------------------------ whole rows

    def normalize(self, item: N.Normalize) -> None:
        empty = item.empty or ("first" if self.typed.causal else "nothing")
        for q, row in enumerate(self.matrices[item.matrix]):
            total = 0.0
            for k in self.keys(q):
                total += row[k]
            if total != 0:
                for k in self.keys(q):
                    row[k] /= total
            elif empty == "first":
                row[0] = 1.0
            elif empty == "self":
                row[q] = 1.0
            elif empty == "uniform":
                for k in self.keys(q):
                    row[k] = 1.0 / len(self.keys(q))

    def softmax(self, item: N.Softmax, evaluator: Evaluator) -> MatrixRows:
        """The matrix after it; every temperature is computed from the state before it."""
        after = [row[:] for row in self.matrices[item.matrix]]
        for q, row in enumerate(after):
            evaluator.query, evaluator.key = q, None
            temperature = 1.0
            if item.temperature is not None:
                found = evaluator.value(item.temperature, {"q": q})
                if found is None or found == 0:
                    raise evaluator.error("E0401", "the temperature is none or zero", item.temperature)
                temperature = float(found)
            scores = [row[k] / temperature for k in self.keys(q)]
            top = largest(scores)
            weights = [exp(score - top) for score in scores]
            total = 0.0
            for weight in weights:
                total += weight
            for k in self.keys(q):
                row[k] = weights[k] / total
        return after


def _updated(action: str, old: float, x: float) -> float:
    match action:
        case "set":
            return x
        case "add":
            return old + x
        case "scale":
            return old * x
        case "raise":
            return float(NUMBER_FUNCTIONS["max"][2](old, x))
        case "cap":
            return float(NUMBER_FUNCTIONS["min"][2](old, x))
    raise ValueError(action)
