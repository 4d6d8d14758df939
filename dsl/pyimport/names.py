"""The check of a file: which of its programs may be compiled, and every reason why not.

Each function is looked at once (``facts.py``); a program then carries the refusals of every helper and constant that
it reaches, also through calls that never run, each shown at the helper's own line with the call that leads there.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from attndsl.dsl.diagnostics import Diagnostic, Label, Severity, diagnostic
from attndsl.dsl.frozen import frozen
from attndsl.dsl.pyimport import mutation, rules
from attndsl.dsl.pyimport.facts import Facts, constant_builders, constant_facts, function_facts
from attndsl.dsl.pyimport.module import Interface, PyModule, PyProgram
from attndsl.dsl.pyimport.read import own_returns


@dataclass(frozen=True, eq=False)
class ProgramCheck:
    """The verdict on one program.

    ``diagnostics``: every independent refusal; empty when the program may be compiled. ``helpers`` and ``constants``:
    the module-level names it reaches, in order of first use. ``host``: the registered names it calls.
    """

    program: PyProgram
    diagnostics: tuple[Diagnostic, ...]
    helpers: tuple[str, ...]
    constants: tuple[str, ...]
    host: tuple[str, ...]
    facts: Mapping[str, Facts] = field(default_factory=dict, repr=False)

    def reach(self, name: str) -> dict[str, Facts]:
        """What a reached helper reaches in turn, itself included: module-level name -> facts."""
        found: dict[str, Facts] = {}
        pending = [name]
        while pending:
            at = pending.pop()
            if at not in found and at in self.facts:
                found[at] = self.facts[at]
                pending.extend({**found[at].functions, **found[at].constants})
        return found

    @property
    def ok(self) -> bool:
        """True when nothing is refused."""
        return not self.diagnostics


def check_module(module: PyModule, host: Collection[str] = ()) -> dict[str, ProgramCheck]:
    """Check every program of a file. ``host`` holds the names that the caller registers (``embedding_similarity``)."""
    checker = _Checker(module, host)
    return {name: checker.check(program) for name, program in module.programs.items()}


@frozen
class _Reached:
    """A function or constant that a program uses, and how it comes to it."""

    name: str
    facts: Facts
    call: ast.Name | None  # the use in the program itself that leads here
    trail: tuple[str, ...]


class _Checker:
    def __init__(self, module: PyModule, host: Collection[str]) -> None:
        self.module = module
        self.host = host
        self.known: dict[str, Facts] = {}

    @cached_property
    def builders(self) -> dict[str, list[ast.stmt]]:
        return constant_builders(self.module)

    def facts(self, name: str) -> Facts:
        if name not in self.known:
            node = self.module.functions.get(name)
            if node is not None:
                found = function_facts(self.module, node, self.host)
                found.found.extend(mutation.of_module_values(self.module, node))
            else:
                found = constant_facts(self.module, name, self.builders.get(name, ()), self.host)
            self.known[name] = found
        return self.known[name]

    def check(self, program: PyProgram) -> ProgramCheck:
        reached = self._reach(program)
        found = [d for d in self.module.diagnostics if d.severity is Severity.ERROR]
        found.extend(_interface(program))
        for place in reached.values():
            found.extend(self._explain(program, place, d) for d in place.facts.found)
        found.extend(self._calls_of_itself(program, reached))
        helpers = tuple(n for n in reached if n in self.module.functions and n != program.name)
        constants = tuple(n for n in reached if n not in self.module.functions)
        host = dict.fromkeys(n for place in reached.values() for n in place.facts.host)
        return ProgramCheck(
            program, tuple(found), helpers, constants, tuple(host), {n: p.facts for n, p in reached.items()}
        )

    def _reach(self, program: PyProgram) -> dict[str, _Reached]:
        start = _Reached(program.name, self.facts(program.name), None, ())
        reached = {program.name: start}
        pending = deque([start])
        while pending:
            at = pending.popleft()
            for name, use in {**at.facts.functions, **at.facts.constants}.items():
                if name not in reached:
                    call = at.call if at.call is not None else use
                    reached[name] = _Reached(name, self.facts(name), call, (*at.trail, name))
                    pending.append(reached[name])
        return reached

    def _explain(self, program: PyProgram, place: _Reached, found: Diagnostic) -> Diagnostic:
        if place.call is None:
            return found
        label = Label(self.module.span(place.call), f"`{program.name}` uses `{place.trail[0]}` here")
        notes = (f"`{program.name}` needs it through {' → '.join(f'`{n}`' for n in place.trail)}",)
        return replace(found, labels=(*found.labels, label), notes=(*found.notes, *notes))

    def _calls_of_itself(self, program: PyProgram, reached: dict[str, _Reached]) -> list[Diagnostic]:
        found = [place.facts.functions for place in reached.values()]
        uses = [functions[program.name] for functions in found if program.name in functions]
        verdict = rules.recursion(program.name)
        return [
            diagnostic(
                verdict.code, verdict.headline, source=self.module.source, span=self.module.span(use),
                help=verdict.help,
            )
            for use in uses
        ]  # fmt: skip


def _interface(program: PyProgram) -> list[Diagnostic]:
    """A program must return what its interface promises."""
    returns = own_returns(program.node)
    values = [r.value for r in returns if r.value is not None]
    wants_pair = program.interface is Interface.NAMED
    if not values:
        what = "a (name, matrix) pair" if wants_pair else "a matrix"
        return [_no_pair(program, f"`{program.name}` never returns {what}")]
    if wants_pair and all(isinstance(v, ast.Constant | ast.Compare | ast.List | ast.Dict) for v in values):
        return [_no_pair(program, f"`{program.name}` returns something else than a (name, matrix) pair")]
    return []


def _no_pair(program: PyProgram, headline: str) -> Diagnostic:
    return diagnostic(
        "E0141",
        headline,
        source=program.module.source,
        span=program.span,
        help=f'end the function with: return "{program.name}", attention',
    )
