"""What stands under the pointer, in Markdown: the meaning of words, definitions, and what a whole program costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attndsl.dsl import builtins
from attndsl.dsl.source import Span
from attndsl.editor import words
from attndsl.editor.analysis import Analysis
from attndsl.editor.lexical import Definition, Head, Pieces, python_functions

if TYPE_CHECKING:
    from attndsl.runtime.program import Program

SHOWN = 600  # characters of a definition
Explained = tuple[str, Span]


def hover(text: str, offset: int, python: bool, analysis: Analysis | None) -> Explained | None:
    """Markdown about what stands at a character offset, and its span; None where there is nothing to say.

    ``analysis`` is of this very text, or None while that is not known: words are explained all the same.
    """
    programs = analysis.programs if analysis is not None else {}
    if python:
        return _python(text, offset, programs)
    pieces = Pieces(text)
    index = pieces.index_at(offset)
    if index is None:
        return None
    piece = pieces.all[index]
    head = pieces.head_at(offset)
    if head is not None and (piece.span == head.name_span or (piece.text == "head" and piece.kind == "word")):
        return _head(head, programs), piece.span
    if piece.kind == "feature":
        said = feature(piece.text[1:], pieces.beside(index, -1) == "row")
    elif piece.kind == "word":
        definition = find_definition(head, piece.text, offset)
        program = programs.get(head.name) if head is not None else None
        said = _defined(text, definition, program) if definition else word(piece.text, pieces.beside(index, 1) == "(")
    else:
        return None
    return (said, piece.span) if said else None


def find_definition(head: Head | None, name: str, offset: int) -> Definition | None:
    """The definition that a name means at an offset: of this head, the last one above, else the first."""
    found = [d for d in head.definitions if d.name == name] if head is not None else []
    above = [d for d in found if d.statement.start <= offset]
    return above[-1] if above else found[0] if found else None


def word(name: str, called: bool) -> str:
    """The meaning of a word of the language; ``called`` when a bracket follows. "" for other words."""
    if called:
        tables = (words.AGGREGATES, words.FUNCTIONS, words.EXPRESSIONS, words.STATEMENTS, words.CLAUSES)
    else:
        tables = (words.STATEMENTS, words.CLAUSES, words.EXPRESSIONS, words.AGGREGATES, words.FUNCTIONS)
    for table in (*tables, words.VARIABLES):
        if name in table:
            return _entry(*table[name])
    return ""


def feature(name: str, of_row: bool = False) -> str:
    """The meaning of what follows a dot: a token's and a word's feature, a text method, a statistic of the row."""
    if of_row:
        return _entry(*words.ROW_STATS[name]) if name in words.ROW_STATS else ""
    said = []
    token, of_word = builtins.TOKEN_FEATURES.get(name), builtins.WORD_FEATURES.get(name)
    if token is not None:
        needs = " Needs spaCy." if name in ("word", "words") else ""
        said.append(f"**token** `.{name}` ({token.kind.value}): {token.meaning}.{needs}")
    if name == "head":
        said.append("**token** `.head` (position): the first token of its word's syntactic head. Needs spaCy.")
    elif of_word is not None and name in builtins.TOKEN_VIA_WORD:
        said.append(f"**token** `.{name}`: that of its first word; none where it has no word.")
    if of_word is not None:
        said.append(f"**word** `.{name}` ({of_word.kind.value}): {of_word.meaning}. Needs spaCy.")
    if name in words.METHODS:
        said.append(_entry(*words.METHODS[name]))
    return "\n\n".join(said)


def summary(program: Program) -> str:
    """What is known about a program before it runs: outcome, cost, features, kinds of its definitions."""
    lines = []
    if program.claim:
        lines.append(_escaped(program.claim))
    if program.outcome == "refused":
        codes = sorted({f"{d.code} {d.name}" for d in program.diagnostics if d.code.startswith("E")})
        lines.append("**refused**: " + ", ".join(codes))
        return "\n\n".join(lines)
    lines.append(f"**{program.outcome.value}**, cost **{program.cost}** in the number of tokens n (w: a window)")
    if program.reads:
        lines.append("reads " + ", ".join(f"`{read}`" for read in program.reads))
    needs = []
    if any(read.startswith("word.") for read in program.reads):
        needs.append("spaCy with a pipeline")
    needs += [f"the host relation `{read[5:]}`" for read in program.reads if read.startswith("host.")]
    if needs:
        lines.append("needs " + ", ".join(needs))
    if program.typed is not None and program.typed.kinds:
        lines.append("\n".join(f"- `{name}`: {kind}" for name, kind in program.typed.kinds.items()))
    return "\n\n".join(lines)


def _python(text: str, offset: int, programs: Mapping[str, Program]) -> Explained | None:
    for name, span, _, is_program in python_functions(text):
        if span.start <= offset <= span.end and (name in programs or is_program):
            about = summary(programs[name]) if name in programs else "not compiled: the file cannot be read"
            return f"attention program `{name}`\n\n{about}", span
    return None


def _head(head: Head, programs: Mapping[str, Program]) -> str:
    if head.name in programs:
        return summary(programs[head.name])
    return "not compiled: the file has errors of syntax\n\n" + _entry(*words.STATEMENTS["head"])


def _defined(text: str, definition: Definition, program: Program | None) -> str:
    shown = text[definition.statement.start : definition.statement.end]
    if len(shown) > SHOWN:
        shown = shown[:SHOWN].rstrip() + " …"
    said = f"```attn\n{shown}\n```"
    kind = program.typed.kinds.get(definition.name) if program is not None and program.typed is not None else None
    if definition.kind == "matrix":
        return f"{said}\n\na further matrix, zero at the start"
    return f"{said}\n\n{kind}" if kind is not None else said


def _entry(form: str, meaning: str) -> str:
    return f"`{form}`\n\n{meaning}"


def _escaped(text: str) -> str:
    """Words of a file, shown as they are: no links, pictures or HTML of a stranger's making."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>()#+-.!|&~" else char for char in text)
