"""Texts of which only the parts are known: the input itself, by its words, and ``" ".join(tokens)``.

A character that is no white space stands in the input where it stands in one of its words, because spaCy's words and
the white space between them are the whole text. What is joined holds a piece without the separator where a part does.
"""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import doc_words
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Opaque, Part, Scalar, Seq, Value, Word


def joined(m: Machine, separator: Term, parts: Seq) -> Opaque:
    """``separator.join(parts)``."""
    texts = all(isinstance(p.element, Scalar) and p.element.term.kind == "str" for p in parts.parts)
    if not T.is_const(separator) or not texts or parts.is_set:
        raise m.stop("the method 'join' of a text", code="E0305")
    return Opaque("joined", (separator.data, parts, ""))


def changed(text: Opaque, method: str) -> Opaque:
    """``text.lower()``, and ``text.strip()``, which takes away nothing that is searched for here."""
    separator, parts, lower = text.data if text.name == "joined" else (None, None, text.data)
    lower = "lower" if "lower" in (method, lower) else "as it is"
    return Opaque("joined", (separator, parts, lower)) if text.name == "joined" else Opaque("sentence", lower)


def _pieces(m: Machine, text: Opaque, item: Value) -> tuple[str, list[Part]] | None:
    """The piece that is searched for, and the texts of which one must hold it."""
    if not (isinstance(item, Scalar) and T.is_const(item.term) and isinstance(item.term.data, str)):
        return None
    piece = item.term.data
    if not piece.isascii() or any(c.isspace() for c in piece):
        return None
    if text.name == "sentence":
        if len(piece) != 1:
            return None
        (p,) = doc_words().parts
        assert isinstance(p.element, Word)
        parts, lower = [Part(p.binders, p.condition, Scalar(T.feature(p.element.term, "text", "str")))], text.data
    else:
        separator, seq, lower = text.data
        separator = separator.lower() if lower == "lower" else separator
        inside = len(piece) == 1 or (separator and not set(separator) & set(piece))
        if not inside or piece in separator:
            return None
        parts = [instantiate(p) for p in seq.parts]
    return piece, [Part(p.binders, p.condition, _lowered(p.element, lower)) for p in parts]


def _lowered(v: Value, how: str) -> Value:
    assert isinstance(v, Scalar)
    return Scalar(T.text_method(v.term, "lower", (), "str", str.lower)) if how == "lower" else v


def contains(m: Machine, item: Value, where: Value) -> Term | None:
    """``item in where``; None when ``where`` is no such text."""
    if not (isinstance(where, Opaque) and where.name in ("sentence", "joined")):
        return None
    found = _pieces(m, where, item)
    if found is None:
        raise m.stop("the text itself is searched", code="E0306")
    piece, parts = found
    held = [T.conj((p.condition, T.substring(T.const(piece), p.element.term))) for p in parts]  # type: ignore[attr-defined]
    return T.disj(C.exists(p.binders, c) for p, c in zip(parts, held, strict=True))


def count(m: Machine, text: Opaque, item: Value, node: ast.AST) -> Scalar:
    """``text.count(c)`` of one character."""
    found = _pieces(m, text, item)
    if found is None or len(found[0]) != 1:
        raise m.stop("the text itself is searched", node, "E0306")
    from attndsl.dsl.pyimport.lift.folds import _part_sum

    total: Term = T.ZERO
    for p in found[1]:
        assert isinstance(p.element, Scalar)
        here = T.text_method(p.element.term, "count", (T.const(found[0]),), "int", str.count)
        total = T.add(total, _part_sum(Part(p.binders, p.condition, Scalar(here))))
    return Scalar(total)
