"""Columns of the token and word tables under the language's feature names.

The interpreter and the compiled back ends read the same data through this module; nothing here computes with weights.
"""

from __future__ import annotations

from functools import lru_cache

from attndsl.dsl.builtins import WORD_FLAGS, is_punctuation
from attndsl.dsl.tokens import TokenTable, WordTable

Column = tuple[object, ...]
_WORD_DIRECT = {
    "text": "text", "lemma": "lemma", "pos": "pos", "tag": "tag", "dep": "dep", "entity": "ent_type",
    "entity_iob": "ent_iob", "shape": "shape", "morph": "morph", "trailing": "whitespace", "char_start": "start",
    "char_end": "end", "sentence": "sentence", "head": "head", "children": "children", "ancestors": "ancestors",
}  # fmt: skip


def token_column(table: TokenTable, name: str) -> Column:
    """One value per token for a feature of ``TOKEN_FEATURES``; ``words`` gives tuples, ``word`` an index or None."""
    match name:
        case "raw" | "special" | "word_start" | "sentence" | "in_quotes":
            return tuple(getattr(table, name))
        case "text":
            return table.surface
        case "line":
            return tuple(table.text.count("\n", 0, start) for start in _monotone(table.start))
        case "depth":
            return tuple(_depths(table))
        case "is_punct":
            return tuple(is_punctuation(text) for text in table.surface)
        case "is_capitalized":
            return tuple(text[:1].isupper() for text in table.surface)
        case "words":
            return table.token_words
        case "word":
            return tuple(words[0] if words else None for words in table.token_words)
    raise KeyError(name)


def word_column(table: TokenTable, name: str) -> Column:
    """One value per word for a feature of ``WORD_FEATURES``; node sets are tuples of indices."""
    words = table.words
    if name in _WORD_DIRECT:
        return tuple(getattr(words, _WORD_DIRECT[name]))
    if name == "index":
        return tuple(range(len(words)))
    if name == "subtree":
        return _subtrees(words)
    if name == "chunk_iob":
        return _chunk_marks(words)
    if name == "tokens":
        return _word_tokens(table)
    if name == "is_punct" or name in WORD_FLAGS:
        return words.flags[name]
    raise KeyError(name)


def head_token_column(table: TokenTable) -> Column:
    """For each token the first token of its word's syntactic head, or None."""
    tokens_of = _word_tokens(table)
    heads: list[object] = []
    for words in table.token_words:
        found = tokens_of[table.words.head[words[0]]] if words else ()
        heads.append(found[0] if found else None)
    return tuple(heads)


def _monotone(starts: tuple[int, ...]) -> list[int]:
    """Special tokens have offset 0; they count as standing where the text has got to."""
    reached = 0
    result = []
    for start in starts:
        reached = max(reached, start)
        result.append(reached)
    return result


def _depths(table: TokenTable) -> list[int]:
    depth = 0
    depths = []
    for text in table.surface:
        depths.append(depth)
        for char in text:
            if char in "([{":
                depth += 1
            elif char in ")]}":
                depth = max(0, depth - 1)
    return depths


@lru_cache(maxsize=64)
def _subtrees_of(heads: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    below: list[list[int]] = [[] for _ in heads]
    for word in range(len(heads)):
        at, steps = word, 0
        below[at].append(word)
        while heads[at] != at and steps < len(heads):
            at = heads[at]
            steps += 1
            below[at].append(word)
    return tuple(tuple(sorted(words)) for words in below)


def _subtrees(words: WordTable) -> tuple[tuple[int, ...], ...]:
    return _subtrees_of(words.head)


def _chunk_marks(words: WordTable) -> tuple[str, ...]:
    marks = ["O"] * len(words)
    for first, end, _ in words.chunks:
        marks[first:end] = ["B", *["I"] * (end - first - 1)]
    return tuple(marks)


def _word_tokens(table: TokenTable) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in range(len(table.words))]
    for token, words in enumerate(table.token_words):
        for word in words:
            found[word].append(token)
    return tuple(tuple(tokens) for tokens in found)
