"""The text gate: what a Python source must be before ``ast.parse`` may see it.

Generated text is data. Some texts hurt the parser itself (nesting overflows its stack, giant literals burn minutes),
others look different from what they are (homoglyphs, bidirectional marks, form feeds). The gate reads characters and
lexical tokens only, in one pass without recursion, and answers a hostile 32 KB text in milliseconds. After it,
``ast.parse`` is safe to call, and ``check_tree`` bounds the depth of what it built. The Python front end and the
sandbox both stand behind this gate.
"""

from __future__ import annotations

import ast
import re
import threading
import unicodedata
import warnings
from dataclasses import dataclass

from attndsl.dsl import pytree
from attndsl.dsl.diagnostics import Fix, fail
from attndsl.dsl.gate_scan import scan
from attndsl.dsl.source import SourceFile, Span


@dataclass(frozen=True, slots=True)
class TextLimits:
    """Upper bounds of a source text; the defaults are for one program with its helpers.

    ``size`` counts UTF-8 bytes, ``line_tokens`` lexical tokens of one logical line, ``brackets`` open brackets,
    ``chain`` operators, calls and attributes that may nest inside one expression, ``indents`` block levels,
    ``elifs`` branches of one ``if``, ``tree`` levels of the parsed tree, ``name`` and ``number`` characters.
    """

    size: int = 32 * 1024
    lines: int = 4_000
    tokens: int = 12_000
    line_tokens: int = 4_000
    brackets: int = 50
    chain: int = 200
    indents: int = 24
    elifs: int = 150
    tree: int = 300
    name: int = 120
    number: int = 60


PROGRAM_LIMITS = TextLimits()
FILE_LIMITS = TextLimits(size=4 * 1024 * 1024, lines=120_000, tokens=1_200_000)
"""For a whole library file that the compiler reads: hundreds of programs."""

# Everything below a space except tab and line feed; DEL and the C1 controls; line and paragraph separators; every
# format character (zero-width, bidirectional, soft hyphen, byte order mark, tags); surrogates.
_PLAIN = re.compile(r"[\t\n -~]*\Z")
_SPECIAL = re.compile(r"[^\t\n -~]")
_BAD_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def check_text(text: str | bytes, name: str = "<text>", limits: TextLimits = FILE_LIMITS) -> SourceFile:
    """The text as a SourceFile, if it may be parsed.

    CRLF line ends become LF. Raises DiagnosticError: E0110 not UTF-8, E0111 too long, E0112 a forbidden character,
    E0113 too deep, E0114 too many tokens, E0115 an identifier that is not what it looks like, E0116 a name or
    number that is too long, E0117 a bracket or string that never closes.
    """
    if len(text) > limits.size:
        raise _too_long(name, len(text), limits)
    decoded = _decode(text, name) if isinstance(text, bytes | bytearray) else text
    if not decoded.isascii():
        size = len(decoded.encode("utf-8", "surrogatepass"))
        if size > limits.size:
            raise _too_long(name, size, limits)
    source = SourceFile(name, decoded.replace("\r\n", "\n"))
    _check_characters(source)
    _check_cookie(source)
    if source.text.count("\n") > limits.lines:
        raise fail("E0111", f"{name} has more than {limits.lines} lines", help="split the file")
    scan(source, limits)
    return source


def parse_python(source: SourceFile, limits: TextLimits = FILE_LIMITS) -> ast.Module:
    """The syntax tree of a text that passed ``check_text``, no deeper than ``limits.tree``.

    Raises DiagnosticError E0118 for a syntax error and E0113 for a tree that is too deep.
    """
    try:
        tree = _parse(source.text)
    except SyntaxError as error:
        span = _line_span(source, error.lineno or 1, error.offset or 1)
        raise fail("E0118", f"not Python: {error.msg}", source=source, span=span) from None
    except (RecursionError, MemoryError, ValueError, SystemError) as error:
        raise fail("E0113", f"{source.name} is too deep for the parser ({type(error).__name__})") from None
    check_tree(tree, source, limits)
    return tree


# One text at a time: CPython counts the depth of the tree it builds per interpreter, not per thread, and its filters
# of warnings are global as well.
_parsing = threading.Lock()
_ATTEMPTS = 5


def _parse(text: str) -> ast.Module:
    """``ast.parse``, again where another thread's parsing (in a library, outside our lock) upset CPython's count."""
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(_ATTEMPTS - 1):
            try:
                return ast.parse(text)
            except SystemError:  # "AST constructor recursion depth mismatch"
                continue
        return ast.parse(text)


def check_tree(tree: ast.AST, source: SourceFile, limits: TextLimits = FILE_LIMITS) -> None:
    """Raise DiagnosticError E0113 when the tree has more levels than ``limits.tree``; walks without recursion."""
    level: list[ast.AST] = [tree]
    line = 1
    for _ in range(limits.tree):
        level = pytree.below(level)
        if not level:
            return
        line = getattr(level[0], "lineno", line)
    raise fail(
        "E0113",
        f"the syntax tree has more than {limits.tree} levels",
        source=source,
        span=_line_span(source, line, 1),
        help="split the expression into steps",
    )


def _decode(text: bytes | bytearray, name: str) -> str:
    try:
        return bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise fail(
            "E0110",
            f"{name} is not UTF-8 text: byte 0x{text[error.start]:02x} at offset {error.start}",
            help="save the file as UTF-8",
        ) from None


_COOKIE = re.compile(r"[ \t]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")


def _check_cookie(source: SourceFile) -> None:
    """Python would read a file with another encoding declaration as another text than the one shown here."""
    for row in source.text.split("\n", 2)[:2]:
        found = _COOKIE.match(row)
        if found and found[1].lower().replace("_", "-") not in ("utf-8", "utf8", "ascii", "us-ascii"):
            raise fail("E0110", f"{source.name} declares the encoding {found[1]!r}", help="save the file as UTF-8")


def _check_characters(source: SourceFile) -> None:
    text = source.text
    if _PLAIN.match(text):
        return
    for found in _SPECIAL.finditer(text):
        index, char = found.start(), found.group()
        if unicodedata.category(char) in _BAD_CATEGORIES:
            raise fail(
                "E0112",
                f"forbidden character U+{ord(char):04X} ({unicodedata.name(char, 'a control character').lower()})",
                source=_printable(source),
                span=Span(index, index + 1),
                help="write it as an escape inside a string, for example '\\u200b', or delete it",
                fixes=[Fix("delete the character", Span(index, index + 1), "")],
            )


def _printable(source: SourceFile) -> SourceFile:
    """The source with every forbidden character replaced, so that showing the diagnostic is harmless."""
    shown = "".join(c if c in "\n\t" or unicodedata.category(c) not in _BAD_CATEGORIES else "�" for c in source.text)
    return SourceFile(source.name, shown)


def _too_long(name: str, size: int, limits: TextLimits) -> Exception:
    return fail("E0111", f"{name} has {size} bytes, more than {limits.size}", help="split it into smaller files")


def _line_span(source: SourceFile, line: int, column: int) -> Span:
    start = source.offset(line, max(1, column))
    return Span(start, min(start + 1, len(source.text)))
