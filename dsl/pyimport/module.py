"""A program file as data: its imports, constants, helpers and programs. Nothing in it has been run."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from attndsl.dsl.diagnostics import Diagnostic
from attndsl.dsl.pyimport.aligners import Aligner
from attndsl.dsl.source import SourceFile, Span

FunctionNode = ast.FunctionDef


class Interface(Enum):
    """What a program is called with, and what it gives back."""

    NAMED = "f(sentence, tokenizer) -> (name, matrix)"
    BARE = "predict(sentence, tokens) -> matrix"


@dataclass(frozen=True, eq=False)
class PyProgram:
    """One program of a file. ``sentence`` and ``tokenizer`` are the names of its two parameters.

    ``tokenizer`` holds the tokens themselves where the interface is BARE. ``description`` is the docstring, else the
    comment block right above the ``def``, else "".
    """

    name: str
    node: FunctionNode
    module: PyModule
    interface: Interface
    sentence: str
    tokenizer: str
    description: str

    @property
    def span(self) -> Span:
        """The name in ``def NAME``."""
        return self.module.name_span(self.node)


@dataclass(frozen=True, eq=False)
class PyModule:
    """A parsed file.

    ``imports``: local name -> dotted target (``np`` -> ``numpy``, ``Tuple`` -> ``typing.Tuple``) of the module's own
    import statements. ``constants``: module-level ``NAME = expression``, the last one as in Python.
    ``functions``: module-level ``def``, the last one of a name. ``order``: the statements that build the constants,
    in file order. ``state``: names that some function declares ``global``. ``diagnostics``: findings about the file
    as a whole (warnings, statements at module level that are refused). ``refused``: names of module-level definitions
    that are not read (classes), each with its diagnostic, which matters to the programs that use the name.
    ``aligners``: helpers that stand repaired in this text (``dsl/pyimport/aligners.py``).
    """

    source: SourceFile
    tree: ast.Module
    imports: Mapping[str, str]
    constants: Mapping[str, ast.expr]
    functions: Mapping[str, FunctionNode]
    order: tuple[ast.stmt, ...]
    state: frozenset[str]
    diagnostics: tuple[Diagnostic, ...]
    programs: Mapping[str, PyProgram] = field(default_factory=dict)
    refused: Mapping[str, Diagnostic] = field(default_factory=dict)
    aligners: Mapping[str, Aligner] = field(default_factory=dict)

    def span(self, node: ast.AST) -> Span:
        """The characters of a node in the file."""
        return span_of(self.source, node)

    def name_span(self, node: FunctionNode) -> Span:
        """The name in ``def NAME``, the smallest span that stands for the function."""
        start = self.source.text.find(node.name, self.span(node).start + 3)
        return Span(start, start + len(node.name)) if start >= 0 else self.span(node)


def span_of(source: SourceFile, node: ast.AST) -> Span:
    """The characters of an ``ast`` node in its source (columns of ``ast`` are UTF-8 bytes)."""
    placed: Any = node  # only some classes of ast have a place
    line = getattr(placed, "lineno", None)
    if line is None:
        return Span(0, 0)
    column = placed.col_offset
    return source.span_of_bytes(line, column, placed.end_lineno or line, placed.end_col_offset or column)
