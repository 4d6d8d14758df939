"""Subscripts and attributes."""

from __future__ import annotations

import ast
from dataclasses import replace

from attndsl.dsl.pyimport.lift import arrays, cells, dicts, encoding, ordering, sheets, slices, spans, steps, tables
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import doc_words, given, sequence, spread
from attndsl.dsl.pyimport.lift.evaluate import MODULES, evaluate, register
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    CellRow,
    CellTable,
    DictValue,
    Grid,
    Opaque,
    Part,
    Ref,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    Span,
    TupleValue,
    Value,
    Vector,
    Word,
    known,
)
from attndsl.dsl.pyimport.vocabulary import NO_METHODS

_TEXT_ATTRIBUTES = {
    "text": "text", "orth_": "text", "pos_": "pos", "tag_": "tag", "dep_": "dep", "lemma_": "lemma",
    "ent_type_": "entity", "ent_iob_": "entity_iob", "shape_": "shape", "whitespace_": "trailing",
}  # fmt: skip
_FLAGS = frozenset(
    [
        "is_punct",
        "is_alpha",
        "is_ascii",
        "is_digit",
        "is_lower",
        "is_upper",
        "is_title",
        "is_space",
        "is_bracket",
        "is_quote",
        "is_stop",
        "is_currency",
        "like_num",
        "like_url",
        "like_email",
        "is_left_punct",
        "is_right_punct",
        "is_oov",
        "is_sent_start",
        "is_sent_end",
    ]
)
_NODE_SETS = frozenset({"children", "ancestors", "subtree"})


# ---------------------------------------------------------------- attributes


def _attribute(m: Machine, node: ast.Attribute) -> Value:
    base = evaluate(m, node.value)
    m.node = node
    return spread(m, lambda v: attribute(m, v, node.attr), base)


def attribute(m: Machine, base: Value, name: str) -> Value:
    match base:
        case Word(term=w):
            return _word_attribute(m, w, name)
        case Opaque(name="encoding") if name == "input_ids":
            return encoding.of_encoding(m, base)
        case Opaque(name="batch" | "tensor") if name == "shape":
            return encoding.shape(m, base)
        case Opaque(name=module) if module in (*MODULES.values(), "spacy"):
            return _module_attribute(m, module, name)
        case Opaque(name="function", data=prefix):
            return Opaque("function", f"{prefix}.{name}")
        case Span():
            return spans.attribute(m, base, name)
        case CellTable(kind="int" | "bool") if name in ("T", "shape"):
            return attribute(m, cells.sheet(m, base), name)
        case Grid() | Opaque(name="filled" | "tril" | "transposed") if name == "shape":
            return TupleValue((Scalar(T.N), Scalar(T.N)))
        case Grid() if name == "T":
            return Opaque("transposed", base)
        case Sheet() if name == "T":
            return sheets.turned(base)
        case Sheet(tall=tall, wide=wide) if name == "shape":
            return TupleValue((Scalar(T.N if tall else T.ONE), Scalar(T.N if wide else T.ONE)))
        case RowRef(length=length) | Vector(length=length) if name in ("shape", "size"):
            return TupleValue((Scalar(length),)) if name == "shape" else Scalar(length)
        case Opaque(name="doc") if name in ("text",):
            return Opaque("sentence")
        case Opaque(name="doc") if name in spans.KINDS:
            return spans.of_doc(name)
    if name in NO_METHODS or (name == "start" and base != Opaque("a match")):
        raise m.stop(f"the attribute {name!r} of this object", code="E0305")  # it may be None, or zero
    return Opaque("method", (base, name))


def _module_attribute(m: Machine, module: str, name: str) -> Value:
    import math
    import string

    if module == "numpy" and name in ("inf", "pi", "e"):
        return known(getattr(math, name))
    if module == "math" and name in ("inf", "pi", "e"):
        return known(getattr(math, name))
    if module == "numpy" and name == "newaxis":
        return known(None)
    if module == "string" and isinstance(getattr(string, name, None), str):
        return known(getattr(string, name))
    return Opaque("function", f"{module}.{name}")


def _word_attribute(m: Machine, w: Term, name: str) -> Value:
    if name in _TEXT_ATTRIBUTES:
        return Scalar(T.feature(w, _TEXT_ATTRIBUTES[name], "str"))
    if name in _FLAGS:
        return Scalar(T.feature(w, name, "bool"))
    if name == "lower_":
        return Scalar(T.text_method(T.feature(w, "text", "str"), "lower", (), "str", str.lower))
    if name == "i":
        return Scalar(T.windex(w))
    if name == "idx":
        return Scalar(T.feature(w, "char_start", "int"))
    if name == "head":
        return Word(T.feature(w, "head", "word"))
    if name in _NODE_SETS:
        var = T.fresh("word")
        # spaCy walks left subtrees, the word, right subtrees: where arcs cross, that is not the order of the text.
        binder = Binder(var, T.NONE, T.NONE, T.feature(w, name, "words"), mixed=name == "subtree")
        return Seq((Part((binder,), T.TRUE, Word(var)),), once=True)
    if name in ("lefts", "rights"):
        return _side(w, name)
    if name in ("n_lefts", "n_rights"):
        return Scalar(C.size(m, _side(w, name[2:])))
    if name in ("left_edge", "right_edge"):
        v = T.fresh("word")
        kind = "first" if name == "left_edge" else "last"
        return Word(T.agg(kind, v, T.feature(w, "subtree", "words"), T.NONE, T.NONE, T.TRUE))
    if name == "sent":
        return spans.of_word(w)
    if name == "doc":
        return Opaque("doc")
    return Opaque("method", (Word(w), name))


def _side(w: Term, name: str) -> Seq:
    var = T.fresh("word")
    order = T.compare("<" if name == "lefts" else ">", T.windex(var), T.windex(w))
    return Seq((Part((Binder(var, T.NONE, T.NONE, T.feature(w, "children", "words")),), order, Word(var)),), once=True)


# ---------------------------------------------------------------- subscripts


def _subscript(m: Machine, node: ast.Subscript) -> Value:
    base = evaluate(m, node.value)
    m.node = node
    return spread(m, lambda v: subscript(m, v, node.slice, node), base)


def subscript(m: Machine, base: Value, index: ast.expr, node: ast.AST) -> Value:
    match base:
        case Grid():
            return arrays.grid_subscript(m, base, index)
        case CellTable() | CellRow(kind="int" | "bool"):
            return cells.subscript(m, base, index)
        case CellRow() if not isinstance(index, ast.Slice | ast.Tuple):
            return cells.subscript(m, base, index)
        case RowRef() | Vector():
            return arrays.vector_subscript(m, base, index)
        case Sheet():
            return sheets.subscript(m, base, index)
        case Opaque(name="batch"):
            return encoding.only(m, base, index, node)
        case Opaque(name="encoding"):
            if isinstance(index, ast.Constant) and index.value == "input_ids":
                return encoding.of_encoding(m, base)
            raise m.stop("the encoding is indexed in an unusual way", node)
        case Ref() if isinstance(index, ast.Slice | ast.Tuple) and _is_array(m, base):
            if isinstance(index, ast.Tuple):  # with an axis more: a later change would have to show in it
                m.frozen.add(base.key)
            own = replace(tables.vector(m, dicts._dict(m, base)), slice_of=base.key)
            return arrays.vector_subscript(m, own, index)
        case Ref() if isinstance(m.contents(base), DictValue) and not isinstance(index, ast.Slice):
            return _item(m, base, given(m, evaluate(m, index)))
        case DictValue() if not isinstance(index, ast.Slice):
            return dicts.lookup(m, m.allocate(base), evaluate(m, index))
        case Scalar(term=t) if t.kind == "str":
            return _text_subscript(m, t, index)
    if isinstance(index, ast.Slice):
        return _slice(m, base, index)
    if isinstance(base, Span) and isinstance(index, ast.Constant) and index.value == 0:
        return Word(spans.first(base))
    at = evaluate(m, index)
    m.node = node
    return spread(m, lambda i: _element(m, base, i), at)


def _item(m: Machine, base: Ref, at: Value) -> Value:
    """An item of a dict, of a list whose items are assigned, or of an array; several of an array."""
    if _is_array(m, base):
        from attndsl.dsl.pyimport.lift import picking

        places = spread(m, lambda v: tables.as_vector(m, v), at)
        found = picking.by_array(m, tables.vector(m, dicts._dict(m, base)), places)
        if found is not None:
            return found
    return dicts.lookup(m, base, at)


def _is_array(m: Machine, ref: Ref) -> bool:
    found = m.contents(ref)
    return isinstance(found, DictValue) and found.array != ""


def _element(m: Machine, base: Value, index: Value) -> Value:
    own = isinstance(index, Scalar) and index.numpy is False  # a truth value of numpy is no index
    if not (isinstance(index, Scalar) and index.term.kind in (("int", "bool") if own else ("int",))):
        raise m.stop("an index that is no whole number", code="E0302")
    at = T.as_number(index.term)
    if isinstance(base, Opaque) and base.name == "doc":
        return Word(T.wordat(C.wrapped(m, at, WORD_COUNT)))
    seq = sequence(m, base)
    if seq is None or seq.once or seq.sort == "view":
        raise m.stop("this object is indexed", code="E0302")
    return C.element(m, seq, at)


def _slice(m: Machine, base: Value, index: ast.Slice) -> Value:
    seq = sequence(m, base)
    held = m.contents(base) if isinstance(base, Ref) else base
    if seq is None or seq.once or (isinstance(held, DictValue) and held.length is None):
        raise m.stop("a slice of this object", code="E0302")
    sort = "tuple" if isinstance(base, TupleValue) else seq.sort
    if index.step is not None:
        step = evaluate(m, index.step)
        if isinstance(base, Opaque | Span):  # spaCy has no such slices
            raise m.stop("a slice with a step of the words", code="E0302")
        if seq.is_set or seq.sort == "view":
            raise m.stop("a slice with a step of this object", code="E0302")
        if index.lower is None and index.upper is None and step == known(-1):
            return m.allocate(replace(ordering.reverse(seq), sort=sort))
        return m.allocate(replace(steps.of_list(m, seq, index), sort=sort))
    start, stop = (_bound(m, b) for b in (index.lower, index.upper))
    return m.allocate(slices.slice_of(m, replace(seq, sort=sort), start, stop))


def _bound(m: Machine, node: ast.expr | None) -> Term | None:
    if node is None:
        return None
    value = spread(m, lambda v: v, evaluate(m, node))
    if isinstance(value, Scalar) and value.term.kind == "int":
        return value.term
    if value == known(None):
        return None
    raise m.stop("a slice bound that is no whole number", node, "E0302")


bound = _bound


def _text_subscript(m: Machine, text: Term, index: ast.expr) -> Value:
    if isinstance(index, ast.Slice):
        if index.step is not None:
            raise m.stop("a slice of a text with a step", code="E0303")
        start, stop = _bound(m, index.lower), _bound(m, index.upper)
        if T.is_const(text) and all(b is None or T.is_const(b) for b in (start, stop)):
            return known(text.data[start.data if start else None : stop.data if stop else None])
        return Scalar(
            T.mk("slice", (start is not None, stop is not None), (text, *(b for b in (start, stop) if b)), "str")
        )
    value = evaluate(m, index)
    if not (isinstance(value, Scalar) and value.term.kind == "int"):
        raise m.stop("a text is indexed by something else than a whole number", code="E0302")
    at = value.term
    size = T.length(text)
    if at is T.ZERO or at is T.const(-1):
        known_some = m.holds(T.compare("!=", text, T.const(""))) or m.holds(T.compare(">", size, T.ZERO))
        if not known_some:
            m.require(T.compare("!=", text, T.const("")), kind="IndexError")
    else:
        m.require(T.conj((T.compare("<", at, size), T.compare(">=", at, T.neg(size)))), kind="IndexError")
    if T.is_const(text) and T.is_const(at) and -len(text.data) <= at.data < len(text.data):
        return known(text.data[at.data])
    return Scalar(T.mk("index", None, (text, at), "str"))


register(ast.Attribute, _attribute)
register(ast.Subscript, _subscript)
__all__ = ["attribute", "bound", "doc_words", "subscript"]
