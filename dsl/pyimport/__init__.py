"""Python in: program files that a language model wrote become programs of ours, or are refused with a reason.

    text -> read_module -> check_module -> lift (our rule language) or lower_program (a bounded loop program)

Nothing in the file is executed.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from attndsl.dsl import pytree
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.diagnostics import Diagnostic, diagnostic
from attndsl.dsl.pyimport.aligners import OFFSETS, Aligner
from attndsl.dsl.pyimport.lift import NotLiftable, lift_program
from attndsl.dsl.pyimport.lift.terms import allowance
from attndsl.dsl.pyimport.module import PyModule
from attndsl.dsl.pyimport.names import ProgramCheck, check_module
from attndsl.dsl.pyimport.read import read_module, with_aligners
from attndsl.dsl.source import SourceFile


@dataclass(frozen=True, eq=False)
class Imported:
    """One program of a file: ``typed`` when it was lifted, ``loops`` when it is kept as a bounded loop program,
    neither when it was refused; ``diagnostics`` say why, warnings included."""

    name: str
    diagnostics: tuple[Diagnostic, ...]
    typed: TypedProgram | None = None
    loops: ProgramCheck | None = None
    description: str = ""


@dataclass(frozen=True, eq=False)
class ImportedModule:
    """The programs of a file in order, and the findings about the file as a whole; ``module`` and ``checks`` are what
    they were made from."""

    programs: tuple[Imported, ...]
    diagnostics: tuple[Diagnostic, ...]
    module: PyModule
    checks: Mapping[str, ProgramCheck]


def import_python(
    source: SourceFile,
    hosts: Collection[str] = (),
    aligners: Mapping[str, Aligner] | None = None,
    watch: Callable[[], None] | None = None,
) -> ImportedModule:
    """Read, check and compile the programs of a Python file. ``hosts`` names the relations that the host registers,
    ``aligners`` the helpers that stand repaired in it. ``watch`` is called before each program; what it raises ends
    the import, for callers who may lose interest.

    Raises DiagnosticError for a file that cannot be read at all: text limits (E011x), syntax (E0120).
    """
    with rare_collections(), allowance(len(source.text)):
        module = read_module(source.text, source.name)
        if aligners:
            module = with_aligners(module, aligners)
        with pytree.kept(module.tree):
            checks = check_module(module, (*hosts, *OFFSETS) if aligners else hosts)
            programs = []
            remembered: dict[Hashable, Any] = {}
            for name, check in checks.items():
                if watch is not None:
                    watch()
                programs.append(_import(name, check, remembered))
            return ImportedModule(tuple(programs), module.diagnostics, module, checks)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cyclic garbage less often: a lift makes many small objects that live until its end, and few cycles."""
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(max(before[0], 2_000_000), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if gc.get_count()[0] > before[0] > 0 and not gc.get_freeze_count():
            gc.freeze()  # what is still there will stay: it is old now, and is not looked through at once
            gc.unfreeze()


def _import(name: str, check: ProgramCheck, remembered: dict[Hashable, Any]) -> Imported:
    description = check.program.description
    if not check.ok:
        return Imported(name, check.diagnostics, description=description)
    try:
        typed = lift_program(check.program, remembered)
    except NotLiftable as stop:
        reason = diagnostic(
            "W0301", f"{name} is kept as a bounded loop program: {stop.reason}",
            source=check.program.module.source, span=stop.span, notes=(f"`attndsl rule {stop.code}` says more",),
        )  # fmt: skip
        return Imported(name, (*check.diagnostics, reason), loops=check, description=description)
    return Imported(name, check.diagnostics, typed=typed, description=description)
