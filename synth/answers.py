"""The programs in a model's answer: found, compiled, and sorted by what became of them. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError, Severity, diagnostic
from attndsl.runtime.library import load_text
from attndsl.runtime.program import Outcome as Compiled
from attndsl.runtime.program import Program
from attndsl.synth.llm.request import Answer, Outcome

FORBIDDEN_CODES = frozenset({"E0130", "E0134", "E0135", "E0136"})
"""Imports, reflection, input and output, code made at run time: what a program has no honest use for."""

MOST_PROGRAMS = 8
"""Programs of one answer that are looked at; more are counted, not read."""

_BLOCK = re.compile(r"^[ \t]*```[ \t]*(\w*)[^\n]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
_OPEN = re.compile(r"^[ \t]*```", re.MULTILINE)
_HEAD = re.compile(r'^[ \t]*head[ \t]+"', re.MULTILINE)
_DEF = re.compile(r"^(?:import |from |def )", re.MULTILINE)


class Kind(StrEnum):
    """What an answer was worth, before its programs are scored."""

    GOOD = "good"  # at least one program that compiles
    BROKEN = "broken"  # programs, and none compiles
    FORBIDDEN = "forbidden"  # programs, and what is wrong with them is that they reach for the machine
    EMPTY = "empty"  # no program
    TRUNCATED = "truncated"  # cut off, without a whole program that compiles
    REFUSED = "refused"  # the model would not answer
    FAILED = "failed"  # no answer
    UNSENT = "unsent"  # not asked: the cost cap


@dataclass(frozen=True, eq=False)
class Reading:
    """An answer, read: ``programs`` compile, ``diagnostics`` say why others do not; ``left_out`` programs were too many
    to be looked at; ``text`` is the answer itself."""

    kind: Kind
    programs: tuple[Program, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    left_out: int = 0
    text: str = ""


_WITHOUT_TEXT = {Outcome.REFUSED: Kind.REFUSED, Outcome.FAILED: Kind.FAILED, Outcome.UNSENT: Kind.UNSENT}


def read_answer(answer: Answer, causal: bool) -> Reading:
    """The programs of an answer, in ``.attn`` or Python, fenced or bare."""
    if answer.outcome in _WITHOUT_TEXT:
        return Reading(_WITHOUT_TEXT[answer.outcome])
    programs: list[Program] = []
    found: list[Diagnostic] = []
    pieces = _pieces(answer.text)
    for number, (python, text) in enumerate(pieces, start=1):
        compiled, diagnostics = _compile(text, f"answer, program {number}", python, causal)
        programs += compiled
        found += diagnostics
    usable = [p for p in programs if p.outcome is not Compiled.REFUSED]
    for program in programs:
        found += [d for d in program.diagnostics if program.outcome is Compiled.REFUSED]
    errors = tuple(d for d in found if d.severity is Severity.ERROR)
    kind = _kind(answer, bool(pieces), usable, errors)
    return Reading(kind, tuple(usable[:MOST_PROGRAMS]), errors, max(0, len(usable) - MOST_PROGRAMS), answer.text)


def _kind(answer: Answer, any_piece: bool, usable: Sequence[Program], errors: Sequence[Diagnostic]) -> Kind:
    if usable:
        return Kind.GOOD
    if any(d.code in FORBIDDEN_CODES for d in errors):
        return Kind.FORBIDDEN
    if answer.outcome is Outcome.TRUNCATED:
        return Kind.TRUNCATED
    return Kind.BROKEN if any_piece else Kind.EMPTY


def _pieces(text: str) -> list[tuple[bool, str]]:
    """(is Python, text) of every piece of the answer that may be a program."""
    blocks = [(m[1].lower(), m[2]) for m in _BLOCK.finditer(text)]
    if not blocks and not _OPEN.search(text):
        start = _HEAD.search(text) or _DEF.search(text)
        blocks = [("", text[start.start() :])] if start is not None else []
    found = []
    for tag, body in blocks:
        if tag in ("python", "py", "python3") or (tag != "attn" and not _HEAD.search(body) and _DEF.search(body)):
            found.append((True, body))
        elif tag == "attn" or _HEAD.search(body):
            found.append((False, body))
    return found


def _compile(text: str, name: str, python: bool, causal: bool) -> tuple[list[Program], list[Diagnostic]]:
    try:
        library = load_text(text, name, python=python, causal=causal)
    except DiagnosticError as error:
        return [], list(error.diagnostics)
    except RecursionError:  # a text may nest deeper than any message about it
        return [], [diagnostic("E0003", f"{name} nests too deeply")]
    return list(library.values()), list(library.diagnostics)
