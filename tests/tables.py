"""Small token and word tables for tests, with the columns that the real tokenizer code would give."""

from __future__ import annotations

from collections.abc import Sequence

from attndsl.dsl.builtins import WORD_FLAGS, is_punctuation
from attndsl.dsl.tokens import TokenTable, WordTable
from attndsl.runtime.text_marks import quoted, sentence_numbers


def table(text: str, pieces: Sequence[str] | None = None, words: WordTable | None = None) -> TokenTable:
    """A table whose tokens are ``pieces`` of the text in order (default: split at spaces); ``[..]`` is a special token.

    ``words`` is what a parser would answer; without it word features raise E0611.
    """
    at, starts, ends, special = 0, [], [], []
    found = list(pieces if pieces is not None else text.split())
    for piece in found:
        special.append(piece.startswith("[") and piece.endswith("]") and len(piece) > 2)
        if special[-1]:
            starts.append(0)
            ends.append(0)
            continue
        at = text.index(piece, at)
        starts.append(at)
        at += len(piece)
        ends.append(at)
    return _table(text, found, starts, ends, special, words)


def _table(
    text: str, pieces: list[str], starts: list[int], ends: list[int], special: list[bool], words: WordTable | None
) -> TokenTable:
    sentence, quotes = sentence_numbers(text), quoted(text)
    surfaces = ["" if s else piece.strip() for piece, s in zip(pieces, special, strict=True)]
    numbers: list[int] = []
    for start, s in zip(starts, special, strict=True):
        numbers.append((numbers[-1] if numbers else 0) if s else sentence[start])
    return TokenTable(
        text=text,
        ids=tuple(range(len(pieces))),
        raw=tuple(
            piece if s or start == 0 or text[start - 1] != " " else "Ġ" + piece
            for piece, start, s in zip(pieces, starts, special, strict=True)
        ),
        start=tuple(starts),
        end=tuple(ends),
        surface=tuple(surfaces),
        special=tuple(special),
        word_start=tuple(
            not s and bool(t) and (start == 0 or not text[start - 1].isalnum() or not t[0].isalnum())
            for t, start, s in zip(surfaces, starts, special, strict=True)
        ),
        sentence=tuple(numbers),
        in_quotes=tuple(not s and quotes[start] for start, s in zip(starts, special, strict=True)),
        parse=None if words is None else lambda _: words,
    )


def word_table(text: str, rows: Sequence[tuple[str, str, str, int]], **columns: Sequence[object]) -> WordTable:
    """Words of a text from rows (text, part of speech, dependency, head); ``columns`` replaces any other column."""
    at, starts, ends = 0, [], []
    for word, *_ in rows:
        at = text.index(word, at)
        starts.append(at)
        at += len(word)
        ends.append(at)
    texts = tuple(row[0] for row in rows)
    flags = {name: tuple(False for _ in rows) for name in WORD_FLAGS}
    flags["is_punct"] = tuple(is_punctuation(t) for t in texts)
    flags["is_alpha"] = tuple(t.isalpha() for t in texts)
    given: dict[str, object] = {
        "text": texts,
        "lemma": tuple(t.lower() for t in texts),
        "pos": tuple(row[1] for row in rows),
        "tag": tuple(row[1][:2] for row in rows),
        "dep": tuple(row[2] for row in rows),
        "ent_type": ("",) * len(rows),
        "ent_iob": ("O",) * len(rows),
        "shape": tuple("".join("X" if c.isupper() else "x" if c.isalpha() else c for c in t) for t in texts),
        "morph": ("",) * len(rows),
        "whitespace": tuple(" " if text[end : end + 1] == " " else "" for end in ends),
        "head": tuple(row[3] for row in rows),
        "start": tuple(starts),
        "end": tuple(ends),
        "sentence": tuple(sentence_numbers(text)[start] for start in starts),
        "flags": flags,
    }
    given.update({name: tuple(column) if name != "flags" else column for name, column in columns.items()})
    return WordTable(**given)  # type: ignore[arg-type]
