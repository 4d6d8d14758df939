"""Text of the language -> tree, or every independent syntax error of the file."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from functools import cache
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from attndsl.dsl import nodes as N
from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError, Fix, diagnostic
from attndsl.dsl.source import SourceFile, Span
from attndsl.dsl.tree_builder import TreeBuilder
from attndsl.grammar import grammar_text

MAX_CHARACTERS = 1_000_000
MAX_NESTING = 120
MAX_ERRORS = 20
_STATEMENT = re.compile(
    r"^[ \t]*(head|claim|let|matrix|set|add|scale|raise|cap|share|normalize|softmax|mask)\b", re.MULTILINE
)


@cache
def _lark() -> Lark:
    return Lark(grammar_text(), parser="lalr", propagate_positions=True, maybe_placeholders=False)


def parse_library(source: SourceFile) -> list[N.Program]:
    """All programs of a source, in order.

    Raises DiagnosticError: E0001 (syntax), E0002 (nothing in the file), E0003 (too large or too deeply nested),
    E0206 (two heads of one name).
    """
    _check_size(source)
    errors: list[Diagnostic] = []
    text = source.text
    while True:
        comments: list[Token] = []
        try:
            tree = _parse(text, comments)
            break
        except UnexpectedInput as error:
            errors.append(_syntax_error(source, error))
            remaining = _without_statement(text, _offset(source, error))
            if remaining is None or len(errors) >= MAX_ERRORS:
                raise DiagnosticError(errors) from None
            text = remaining
    if errors:
        raise DiagnosticError(errors)
    try:
        programs = TreeBuilder(source).transform(tree)
    except RecursionError:
        raise DiagnosticError(diagnostic("E0003", f"an expression in {source.name} nests too deeply")) from None
    _reject_duplicates(source, programs)
    return _attach_comments(source, programs, comments)


def parse_program(text: str, name: str = "<text>") -> N.Program:
    """The one program of a text. Raises DiagnosticError as ``parse_library``, and E0002 unless there is exactly one."""
    source = SourceFile(name, text)
    programs = parse_library(source)
    if len(programs) != 1:
        raise DiagnosticError(diagnostic("E0002", f"expected one head in {name}, found {len(programs)}", source=source))
    return programs[0]


def _parse(text: str, comments: list[Token]) -> Any:
    # Lark keeps lexer callbacks per instance; comments are collected by re-scanning instead, to stay re-entrant.
    tree = _lark().parse(text)
    comments.extend(_scan_comments(text))
    return tree


_TEXT_OR_COMMENT = re.compile(r'"(?:[^"\\\n\r]|\\.)*"|#[^\n\r]*')


def _scan_comments(text: str) -> list[Token]:
    return [
        Token("COMMENT", m[0], start_pos=m.start(), end_pos=m.end())
        for m in _TEXT_OR_COMMENT.finditer(text)
        if m[0][0] == "#"
    ]


def _check_size(source: SourceFile) -> None:
    if not source.text.strip():
        raise DiagnosticError(
            diagnostic("E0002", f"{source.name} is empty", source=source, help='write at least: head "name" causal')
        )
    if len(source.text) > MAX_CHARACTERS:
        raise DiagnosticError(
            diagnostic("E0003", f"{source.name} has {len(source.text):,} characters, more than {MAX_CHARACTERS:,}")
        )
    depth = 0
    for match in re.finditer(r'"(?:[^"\\\n\r]|\\.)*"|#[^\n\r]*|[(){}\[\]]', source.text):
        piece = match[0]
        if piece[0] in "([{":
            depth += 1
        elif piece[0] in ")]}":
            depth = max(0, depth - 1)
        if depth > MAX_NESTING:
            span = Span(match.start(), match.end())
            raise DiagnosticError(
                diagnostic("E0003", f"brackets nest deeper than {MAX_NESTING}", source=source, span=span)
            )


def _offset(source: SourceFile, error: UnexpectedInput) -> int:
    position = getattr(error, "pos_in_stream", None)
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(source.text.rstrip())
    return len(source.text) if position is None else int(position)


def _without_statement(text: str, offset: int) -> str | None:
    """The text with the faulty statement blanked out, so that later ones are checked at their true offsets."""
    starts = [m.start(1) for m in _STATEMENT.finditer(text)]
    at = bisect_right(starts, min(offset, max(len(text) - 1, 0))) - 1
    if at < 0 or text.startswith("head", starts[at]):
        return None
    end = starts[at + 1] if at + 1 < len(starts) else len(text)
    blank = re.sub(r"[^\n]", " ", text[starts[at] : end])
    return text[: starts[at]] + blank + text[end:]


_READABLE = {
    "VAR": "a variable", "NAME": "a Name", "NUMBER": "a number", "STRING": 'a "text"', "$END": "the end",
    "LPAR": "(", "RPAR": ")", "COMMA": ",", "EQUAL": "=", "LBRACE": "{", "RBRACE": "}", "LSQB": "[", "RSQB": "]",
    "FEATURE": "a feature such as .text", "METHOD": "a text method such as .lower()", "COMPARE": "a comparison",
}  # fmt: skip


def _syntax_error(source: SourceFile, error: UnexpectedInput) -> Diagnostic:
    offset = _offset(source, error)
    expected = sorted(getattr(error, "expected", None) or getattr(error, "allowed", None) or ())
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        headline, span = "the text ends in the middle of a statement", Span(max(offset - 1, 0), offset)
    else:
        offset = _start_of_word(source.text, offset)
        word = _WORD.match(source.text, offset)
        found = word[0] if word else source.text[offset : offset + 1]
        span = Span(offset, offset + max(1, len(found)))
        headline = f"unexpected {found!r}"
        if isinstance(error, UnexpectedCharacters) and found in "'‘’“”":
            return diagnostic(
                "E0001", "texts are written in double quotes", source=source, span=span, help='write "text"',
                fixes=_double_quotes(source.text, offset),
            )  # fmt: skip
    names = [_READABLE.get(name, name.lower()) for name in expected if not name.startswith("__")]
    label = f"expected {', '.join(names)}" if 0 < len(names) <= 6 else ""
    advice, better = _advice(source, offset, expected == ["NAME"])
    fixes = [Fix(f"write {better}", span, better)] if better else []
    return diagnostic("E0001", headline, source=source, span=span, label=label, help=advice, fixes=fixes)


_OTHER_QUOTES = re.compile(r"""['‘’“”]([^"'‘’“”\\\n\r]*)['‘’“”]""")


def _double_quotes(text: str, offset: int) -> list[Fix]:
    """The text in other quotes that begins here, in double ones."""
    found = _OTHER_QUOTES.match(text, offset)
    return [Fix("write it in double quotes", Span(*found.span()), f'"{found[1]}"')] if found else []


_WORD = re.compile(r"\.?[A-Za-z_][A-Za-z_0-9]*|\S")


def _start_of_word(text: str, offset: int) -> int:
    """The lexer may give up inside a word ("next" begins with the variable n): people read the whole of it."""
    start = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_") and re.match(r"\w", text[offset:]):
        start -= 1
    return start


def _advice(source: SourceFile, offset: int, names_only: bool) -> tuple[str | None, str | None]:
    """What to do about the word that stands here, and the word that would be right in its place."""
    word = _WORD.match(source.text, offset)
    if word is None or not word[0].strip(".")[:1].isalpha():
        return None, None
    from difflib import get_close_matches

    vocabulary = sorted(set(re.findall(r'"(\.?[a-z_]{2,})"', grammar_text())))
    vocabulary = [name for name in vocabulary if name.startswith(".") == word[0].startswith(".")]
    close = get_close_matches(word[0].lower(), vocabulary, n=1, cutoff=0.6)
    if close and close[0] != word[0] and not names_only:
        return f"did you mean {close[0]!r}?", close[0]
    if word[0][0].islower() and len(word[0]) > 1 and word[0] not in vocabulary:
        capital = word[0][0].upper() + word[0][1:]
        return f"names that you define begin with a capital: {capital}; variables are one letter", capital
    return None, None


def _reject_duplicates(source: SourceFile, programs: list[N.Program]) -> None:
    seen: dict[str, N.Program] = {}
    errors = []
    for program in programs:
        if program.name in seen:
            errors.append(
                diagnostic("E0206", f"two heads are named {program.name!r}", source=source, span=program.span)
            )
        seen[program.name] = program
    if errors:
        raise DiagnosticError(errors)


def _attach_comments(source: SourceFile, programs: list[N.Program], comments: list[Token]) -> list[N.Program]:
    """Give each comment to the statement on its line or to the next one below it."""
    if not comments:
        return programs
    owners: list[tuple[int, int, int]] = []  # (start offset, program, item or -1 for the head line)
    for p, program in enumerate(programs):
        owners.append((program.span.start, p, -1))
        owners.extend((item.span.start, p, i) for i, item in enumerate(program.items))
    starts = [owner[0] for owner in owners]
    leading: dict[tuple[int, int], list[str]] = {}
    trailing: dict[tuple[int, int], str] = {}
    closing: dict[int, list[str]] = {}
    for comment in comments:
        begin = int(comment.start_pos or 0)
        after = bisect_right(starts, begin)
        text = comment[1:].strip()
        before = owners[after - 1] if after else None
        same_line = before is not None and source.text[before[0] : begin].count("\n") == _lines_of(programs, before)
        if before is not None and same_line and (before[1], before[2]) not in trailing:
            trailing[before[1], before[2]] = text
        elif after < len(owners):
            leading.setdefault((owners[after][1], owners[after][2]), []).append(text)
        else:
            closing.setdefault(len(programs) - 1, []).append(text)
    result = []
    for p, program in enumerate(programs):
        items = tuple(
            replace(item, comments=tuple(leading.get((p, i), ())), trailing=trailing.get((p, i), ""))
            for i, item in enumerate(program.items)
        )
        result.append(
            replace(
                program,
                items=items,
                comments=tuple(leading.get((p, -1), ())),
                trailing=trailing.get((p, -1), ""),
                closing_comments=tuple(closing.get(p, ())),
            )
        )
    return result


def _lines_of(programs: list[N.Program], owner: tuple[int, int, int]) -> int:
    """Line ends inside the statement itself, so that a comment after its last line counts as trailing."""
    program = programs[owner[1]]
    source = program.source
    assert source is not None
    if owner[2] < 0:
        return 0
    span = program.items[owner[2]].span
    return source.text[span.start : span.end].count("\n")
