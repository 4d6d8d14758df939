"""Which part of a source is the program, and what of the file it needs: found by reading, never by running.

A file may hold hundreds of programs and their shared helpers. ``prepare`` picks one function and keeps the module
statements, and the functions reachable from it by name; line numbers still lead back to the file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.gate import check_text, parse_python
from attndsl.dsl.source import SourceFile
from attndsl.runtime.sandbox.errors import SandboxError, line_span, sandbox_error, wrapped
from attndsl.runtime.sandbox.limits import DEFAULT_LIMITS, SOURCE_LIMITS, Limits

_WORDS = re.compile(r"spacy\s*\.\s*load|from\s+spacy\s+import[^\n]*\bload\b|\bnlp\b")


@dataclass(frozen=True)
class Prepared:
    """One program ready for a child.

    ``text`` is the kept source, ``lines[i]`` the one-based line of the file that line ``i + 1`` of it came from.
    ``style`` is "tokenizer" for ``f(sentence, tokenizer) -> (name, matrix)`` and "tokens" for
    ``f(sentence, tokens) -> matrix``. ``needs_words``: it parses the sentence. ``names``: every name it reads.
    """

    source: SourceFile
    entry: str
    style: str
    text: str
    lines: tuple[int, ...]
    needs_words: bool
    names: frozenset[str]

    def file_line(self, line: int) -> int:
        """The line of the file for a line of ``text``; 0 when there is none."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else 0


@dataclass(frozen=True)
class Module:
    """The top level of a source file."""

    source: SourceFile
    statements: tuple[ast.stmt, ...]
    functions: dict[str, list[ast.FunctionDef]] = field(default_factory=dict)

    def candidates(self) -> list[str]:
        """Names of functions with the shape of a program, in order of their last definition."""
        found = {name: defs[-1] for name, defs in self.functions.items() if _is_program(defs[-1])}
        return sorted(found, key=lambda name: found[name].lineno)


@lru_cache(maxsize=64)
def read_module(text: str, name: str) -> Module:
    """The top level of a source that passed the text gate. Raises SandboxError."""
    try:
        source = check_text(text, name, SOURCE_LIMITS)
        tree = parse_python(source, SOURCE_LIMITS)
    except DiagnosticError as error:
        raise wrapped(error) from None
    functions: dict[str, list[ast.FunctionDef]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            functions.setdefault(statement.name, []).append(statement)
    return Module(source, tuple(tree.body), functions)


def program_names(source: str | bytes, name: str = "<program>") -> list[str]:
    """Every function of a source that has the shape of a program. Raises SandboxError."""
    return read_module(_as_text(source, name), name).candidates()


@lru_cache(maxsize=4096)
def _prepare(text: str, name: str, program: str | None, limits: Limits) -> Prepared:
    module = read_module(text, name)
    entry = program if program is not None else _only_program(module)
    function = _checked_entry(module, entry)
    kept = _reachable(module, entry)
    lines = sorted({line for node in kept for line in range(_first_line(node), (node.end_lineno or 0) + 1)})
    rows = module.source.text.split("\n")
    part = "\n".join(rows[line - 1] for line in lines) + "\n"
    try:
        check_text(part, f"{entry} with its helpers", limits.text)
    except DiagnosticError as error:
        raise wrapped(error) from None
    names = frozenset(name for node in kept for name in _names(node))
    style = "tokenizer" if _second_argument(function).startswith("tokenizer") else "tokens"
    return Prepared(module.source, entry, style, part, tuple(lines), bool(_WORDS.search(part)), names)


def prepare(
    source: str | bytes, program: str | None = None, name: str = "<program>", limits: Limits = DEFAULT_LIMITS
) -> Prepared:
    """Pick a program out of a source (the only one of its shape by default).

    Raises SandboxError: E0110 to E0118 from the text gate, E0411 when there is no such function, when several
    could be meant, or when its name is bound in more than one way.
    """
    return _prepare(_as_text(source, name), name, program, limits)


def _as_text(source: str | bytes, name: str) -> str:
    try:
        return check_text(source, name, SOURCE_LIMITS).text if isinstance(source, bytes) else source
    except DiagnosticError as error:
        raise wrapped(error) from None


def _is_program(function: ast.FunctionDef) -> bool:
    second = _second_argument(function)
    return second.startswith("tokenizer") or (function.name == "predict" and second != "")


def _second_argument(function: ast.FunctionDef) -> str:
    """The name of the second argument; '' when the function cannot be called with exactly two."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    required = len(arguments) - len(function.args.defaults)
    if len(arguments) < 2 or required > 2 or any(d is None for d in function.args.kw_defaults):
        return ""
    return arguments[1].arg


def _only_program(module: Module) -> str:
    names = module.candidates()
    if len(names) == 1:
        return names[0]
    if not names:
        raise sandbox_error(
            "E0411",
            "refused",
            "no function takes (sentence, tokenizer), and none is named predict(sentence, tokens)",
            source=module.source,
            help="write def predict(sentence, tokens) or name the function with program=",
        )
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    raise sandbox_error(
        "E0411", "refused", f"{len(names)} programs in one source: {shown}", help="name one with program="
    )


def _checked_entry(module: Module, entry: str) -> ast.FunctionDef:
    """The definition that counts. Raises E0411 when the name could stand for something else when it is called."""
    definitions = module.functions.get(entry, [])
    if not definitions:
        raise _entry_error(module, f"no function {entry!r} at the top level of the source", 1)
    if len({ast.dump(d.args, annotate_fields=False) for d in definitions}) > 1 and len(definitions) > 1:
        raise _entry_error(module, f"{entry!r} is defined twice with different arguments", definitions[1].lineno)
    if _second_argument(definitions[-1]) == "":
        raise _entry_error(module, f"{entry!r} does not take two arguments", definitions[-1].lineno)
    for statement in module.statements:
        if not isinstance(statement, ast.FunctionDef) and entry in _bound(statement):
            raise _entry_error(module, f"{entry!r} is also bound by another statement", statement.lineno)
    return definitions[-1]


def _entry_error(module: Module, headline: str, line: int) -> SandboxError:
    return sandbox_error("E0411", "refused", headline, source=module.source, line=line)


def _reachable(module: Module, entry: str) -> list[ast.stmt]:
    """Module statements other than functions, and the functions that these or the entry reach by name."""
    kept: list[ast.stmt] = [s for s in module.statements if not isinstance(s, ast.FunctionDef) and not _is_text(s)]
    queue = [entry, *(name for statement in kept for name in _names(statement))]
    seen: set[str] = set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        for definition in module.functions.get(name, ()):
            kept.append(definition)
            queue.extend(_names(definition))
    return sorted(kept, key=_first_line)


def _names(node: ast.AST) -> Iterator[str]:
    return (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def _bound(statement: ast.stmt) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
    return found


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


__all__ = ["Module", "Prepared", "line_span", "prepare", "program_names", "read_module"]
