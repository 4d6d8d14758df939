"""The lexical half of the text gate: one pass over the tokens of a Python text, counting what could nest.

The scanner needs no grammar. For every open bracket it keeps how many operators, calls and attributes could sit
inside one another there (a bound, never less than the parser's real depth), and refuses before a parser recurses.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from attndsl.dsl.diagnostics import fail
from attndsl.dsl.source import SourceFile, Span

if TYPE_CHECKING:
    from attndsl.dsl.gate import TextLimits

_TOKEN = re.compile(
    r"""(?:[ \t]+|\\\n)*+
    (?:(?P<comment>\#[^\n]*)
    |(?P<newline>\n)
    |(?P<string>[rRbBuUfFtT]{0,3}(?:'''|\"\"\"|'|\"))
    |(?P<name>[^\W\d]\w*)
    |(?P<number>[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]+)?\w*|\.[0-9][0-9_]*(?:[eE][+-]?[0-9_]+)?\w*)
    |(?P<open>[(\[{])
    |(?P<close>[)\]}])
    |(?P<op>\*\*=|//=|<<=|>>=|:=|->|==|!=|<=|>=|[-+*/%@&|^]=|\*\*|//|<<|>>|\.\.\.|[-+*/%@&|^~<>.,:;=])
    |(?P<end>\Z))""",
    re.VERBOSE,
)
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_SPACE = re.compile(r"(?:[ \t]+|\\\n)*+")
_RESETS_TIGHT_TEXT = "== != <= >= < > , : ; = := -> += -= *= /= %= @= &= |= ^= **= //= <<= >>= and or in is for"
_RESETS_TIGHT = frozenset(_RESETS_TIGHT_TEXT.split())
_RESETS_ALL = frozenset({",", ";", "="})
_STEPS = {
    **dict.fromkeys(("and", "or", "in", "is", "if", "for", "return"), (0, 0, False)),
    **dict.fromkeys(("not", "await"), (1, 0, False)),
    **dict.fromkeys(("lambda", "else"), (0, 1, False)),
}
"""Words after which no value stands: how much deeper they may nest (tight, loose), and that no value does."""
_DEPTH_IN_FIELD = re.compile(r"[-+*/%@&|^~.(\[{]|\bnot\b|\belse\b|\blambda\b")


@dataclass(slots=True)
class _Frame:
    """One open bracket, or the logical line itself: how much may nest in it so far."""

    bracket: str
    at: int
    outer: int
    tight: int = 0
    loose: int = 0


@dataclass(slots=True)
class _Scanner:
    """One pass over a text."""

    source: SourceFile
    limits: TextLimits
    at: int = 0
    tokens: int = 0
    line_tokens: int = 0
    after_value: bool = False
    line_start: bool = True
    frames: list[_Frame] = field(default_factory=lambda: [_Frame("", 0, 0)])
    indents: list[int] = field(default_factory=lambda: [0])
    elifs: dict[int, int] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def run(self) -> None:
        text, match, names = self.source.text, _TOKEN.match, self.names
        most, most_in_line = self.limits.tokens, self.limits.line_tokens
        while True:
            found = match(text, self.at)
            if found is None:
                space = _SPACE.match(text, self.at)
                at = space.end() if space is not None else self.at
                self._refuse("E0112", f"character {text[at]!r} has no place in a program", at)
            kind, self.at = found.lastgroup, found.end()
            if kind == "newline":
                self._newline()
                continue
            if kind == "comment":
                continue
            if kind == "end":
                break
            assert kind is not None
            word, start = found[kind], found.start(kind)
            if self.line_start:
                self._line_begins(word, start)
            self.tokens += 1
            self.line_tokens += 1
            if self.tokens > most:
                self._refuse("E0114", f"more than {most} tokens", start)
            if self.line_tokens > most_in_line:
                self._refuse("E0114", f"a statement with more than {most_in_line} tokens", start)
            if kind == "name" and word in names and word not in _STEPS:
                self.after_value = True  # as ``_name`` says of the words that were looked at, without a call
            else:
                _KINDS[kind](self, word, start)
        if len(self.frames) > 1:
            frame = self.frames[-1]
            self._refuse("E0117", f"{frame.bracket!r} is never closed", frame.at)

    def _newline(self) -> None:
        if len(self.frames) == 1:
            if not self.line_start:
                self.frames[0].tight = self.frames[0].loose = 0
                self.line_tokens = 0
            self.line_start = True
            self.after_value = False

    def _line_begins(self, word: str, start: int) -> None:
        """Indentation and the length of ``elif`` chains, both of which nest in the tree."""
        self.line_start = False
        text = self.source.text
        column = len(text[text.rfind("\n", 0, start) + 1 : start].expandtabs(8))
        while len(self.indents) > 1 and self.indents[-1] > column:
            self.elifs.pop(self.indents.pop(), None)
        if column > self.indents[-1]:
            self.indents.append(column)
            if len(self.indents) > self.limits.indents:
                self._refuse("E0113", f"more than {self.limits.indents - 1} nested blocks", start)
        if word == "elif":
            self.elifs[column] = self.elifs.get(column, 0) + 1
            if self.elifs[column] > self.limits.elifs:
                self._refuse("E0113", f"more than {self.limits.elifs} elif branches", start)
        elif word not in ("else", "except", "finally"):
            self.elifs.pop(column, None)

    def _name(self, word: str, start: int) -> None:
        if word not in self.names:
            self._check_name(word, start)
            self.names.add(word)
        step = _STEPS.get(word)
        if step is None:
            self.after_value = True
            return
        tight, loose, self.after_value = step
        if tight or loose:
            self._deeper(start, tight, loose)
        elif word in _RESETS_TIGHT:
            self.frames[-1].tight = 0

    def _check_name(self, word: str, start: int) -> None:
        if len(word) > self.limits.name:
            self._refuse("E0116", f"a name of {len(word)} characters", start)
        if word.isascii():
            return
        if unicodedata.normalize("NFKC", word) != word:
            self._refuse("E0115", f"Python reads the name {word!r} as {unicodedata.normalize('NFKC', word)!r}", start)
        if not all(char.isalnum() or char == "_" for char in word) or set(word) & _INVISIBLE:
            self._refuse("E0115", f"the name {word!r} holds marks that are not letters or digits", start)
        for part in word.split("_"):
            letters = [char for char in part if char.isalpha()]
            scripts = sorted({_script(char) for char in letters})
            if letters and all(char in _LOOK_LATIN for char in letters):
                self._refuse("E0115", f"the name {word!r} looks like one of Latin letters", start)
            if len(scripts) > 1:
                self._refuse("E0115", f"the name {word!r} mixes letters of {' and '.join(scripts)}", start)

    def _operator(self, text: str, start: int) -> None:
        self.after_value = False
        if text in _RESETS_TIGHT:
            frame = self.frames[-1]
            frame.tight = 0
            if text in _RESETS_ALL:
                frame.loose = 0
        elif text != "...":
            self._deeper(start, 1, 0)
        else:
            self.after_value = True

    def _open(self, bracket: str, start: int) -> None:
        if self.after_value:
            self._deeper(start, 1, 0)
        frame = self.frames[-1]
        self.frames.append(_Frame(bracket, start, frame.outer + frame.tight + frame.loose))
        if len(self.frames) > self.limits.brackets:
            self._refuse("E0113", f"more than {self.limits.brackets - 1} nested brackets", start)
        self.after_value = False

    def _close(self, bracket: str, start: int) -> None:
        if self.frames[-1].bracket != _CLOSERS[bracket]:
            self._refuse("E0117", f"{bracket!r} closes nothing", start)
        self.frames.pop()
        self.after_value = True

    def _number(self, text: str, start: int) -> None:
        if len(text) > self.limits.number:
            self._refuse("E0116", f"a number of {len(text)} characters", start)
        self.after_value = True

    def _deeper(self, start: int, tight: int, loose: int) -> None:
        frame = self.frames[-1]
        frame.tight += tight
        frame.loose += loose
        if frame.outer + frame.tight + frame.loose > self.limits.chain:
            self._refuse("E0113", f"an expression of more than {self.limits.chain} nested steps", start)

    def _string(self, opening: str, start: int) -> None:
        text = self.source.text
        quote = opening.lstrip("rRbBuUfFtT")
        at = self.at
        while True:
            end = text.find(quote, at)
            line_end = text.find("\n", at, end if end >= 0 else len(text)) if len(quote) == 1 else -1
            slash = text.find("\\", at, end if end >= 0 else len(text))
            if slash >= 0 and (line_end < 0 or slash < line_end):
                at = slash + 2
                continue
            if end < 0 or line_end >= 0:
                self._refuse("E0117", "a string is never closed", start)
            break
        if set("fFtT") & set(opening):
            self._fields(text[self.at : end], start)
        self.at = end + len(quote)
        self.after_value = True

    def _fields(self, body: str, start: int) -> None:
        """Bound what the replacement fields of an f-string hold; a field may not use the string's own quote.

        Python 3.12 lets a field hold that quote and 3.11 does not, so such a text would have two meanings.
        """
        depth, begin, index = 0, 0, 0
        while index < len(body):
            char = body[index]
            if depth == 0 and body[index : index + 2] in ("{{", "}}"):
                index += 2
                continue
            if char == "{":
                begin = index if depth == 0 else begin
                depth += 1
            elif char == "}" and depth:
                depth -= 1
                if depth == 0:
                    self._field(body[begin:index], start)
            index += 1
        if depth > 0:
            self._refuse("E0117", "a field of an f-string is never closed, or holds the quote of its string", start)

    def _field(self, body: str, start: int) -> None:
        frame = self.frames[-1]
        inside = len(_DEPTH_IN_FIELD.findall(body))
        if frame.outer + frame.tight + frame.loose + inside > self.limits.chain:
            self._refuse("E0113", f"an expression of more than {self.limits.chain} nested steps", start)

    def _refuse(self, code: str, headline: str, at: int) -> NoReturn:
        span = Span(at, min(at + 1, len(self.source.text)))
        raise fail(code, headline, source=self.source, span=span, help=_HELP.get(code))


_KINDS = {
    "name": _Scanner._name, "op": _Scanner._operator, "open": _Scanner._open, "close": _Scanner._close,
    "string": _Scanner._string, "number": _Scanner._number,
}  # fmt: skip

_INVISIBLE = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_LOOK_LATIN = frozenset("аеорсухіјѕһԁԛԝАВЕКМНОРСТХІЈЅԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧο")
"""Cyrillic and Greek letters that look like Latin ones; a name of nothing else is not what it looks like."""

_HELP = {
    "E0113": "split it into steps with names",
    "E0114": "split the program, or move the data out of it",
    "E0115": "use the letters of one script, in their plain form",
    "E0117": "close it on the same statement",
}


def _script(char: str) -> str:
    """The script of a letter, from its Unicode name: 'latin', 'greek', 'cyrillic', ..."""
    return unicodedata.name(char, "unknown letter").split(" ")[0].lower()


def scan(source: SourceFile, limits: TextLimits) -> None:
    """Raise DiagnosticError (E0112 to E0117) when the text breaks a lexical limit; see ``gate.check_text``."""
    _Scanner(source, limits).run()
