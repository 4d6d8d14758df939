"""Where things are: the definition of a name, and the outline of a file."""

from __future__ import annotations

from dataclasses import dataclass

from attndsl.dsl import nodes as N
from attndsl.dsl.source import Span
from attndsl.editor.analysis import Analysis
from attndsl.editor.hover import find_definition
from attndsl.editor.lexical import Pieces, python_functions


@dataclass(frozen=True, slots=True)
class Symbol:
    """An entry of the outline; ``kind`` is program, let or matrix."""

    kind: str
    name: str
    detail: str
    span: Span
    name_span: Span
    children: tuple[Symbol, ...] = ()


def definition(text: str, offset: int, analysis: Analysis | None) -> Span | None:
    """Span of the name where what stands at an offset is defined: a let, a matrix, or a variable (the latter only
    where the text can be parsed)."""
    pieces = Pieces(text)
    index = pieces.index_at(offset)
    if index is None or pieces.all[index].kind != "word":
        return None
    piece, head = pieces.all[index], pieces.head_at(offset)
    found = find_definition(head, piece.text, offset)
    if found is not None:
        return found.span
    program = analysis.programs.get(head.name) if analysis is not None and head is not None else None
    if program is None or program.typed is None or len(piece.text) != 1:
        return None
    return _binding(text, program.typed.program, piece.text, piece.span.start)


def _binding(text: str, program: N.Program, variable: str, offset: int) -> Span | None:
    """Where the innermost place that binds a variable around an offset names it."""
    best: tuple[int, Span] | None = None
    for node in N.walk(program):
        if not node.span.start <= offset < node.span.end:
            continue
        place = _binds(text, node, variable)
        size = node.span.end - node.span.start
        if place is not None and (best is None or size <= best[0]):
            best = (size, place)
    return best[1] if best is not None else None


def _binds(text: str, node: N.Node, variable: str) -> Span | None:
    binder = node.binder if isinstance(node, N.Aggregate) else None
    if isinstance(node, N.Rule) and isinstance(node.target, N.Each):
        binder = node.target.binder
    if binder is not None and binder.var == variable:
        return Span(binder.span.start, binder.span.start + len(variable))
    if isinstance(node, N.Let) and variable in node.params:
        inside = text.index("(", node.span.start) + 1
        named = [p for p in Pieces(text[inside : text.index(")", inside)]).all if p.text == variable]
        return Span(inside + named[0].span.start, inside + named[0].span.end) if named else None
    return None


def symbols(text: str, python: bool, analysis: Analysis | None) -> list[Symbol]:
    """The outline: programs, with their definitions where they are in our language."""
    programs = analysis.programs if analysis is not None else {}

    def detail(name: str) -> str:
        program = programs.get(name)
        if program is None:
            return ""
        return f"{program.outcome.value}, {program.cost}" if program.cost is not None else program.outcome.value

    if python:
        return [
            Symbol("program", name, detail(name), span, name_span)
            for name, name_span, span, is_program in python_functions(text)
            if name in programs or (is_program and not programs)
        ]
    return [
        Symbol(
            "program", head.name, detail(head.name), head.span, head.name_span,
            tuple(Symbol(d.kind, d.name, "", d.statement, d.span) for d in head.definitions),
        )
        for head in Pieces(text).heads
    ]  # fmt: skip
