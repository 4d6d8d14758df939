"""Sentences, entities and noun chunks of a parsed text: each is known by a word inside, mostly its first one.

An entity and a chunk begin at a word marked B and end before the next one that is not marked I.
"""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Opaque, Part, Scalar, Seq, Span, Value, Word, known

KINDS = ("sents", "ents", "noun_chunks")
_MARKS = {"ents": "entity_iob", "noun_chunks": "chunk_iob"}


def of_doc(kind: str) -> Seq:
    """``doc.ents`` is a tuple; ``doc.sents`` and ``doc.noun_chunks`` can be walked through once."""
    w = T.fresh("word")
    begins = T.feature(w, "is_sent_start", "bool") if kind == "sents" else _marked(kind, w, "B")
    return Seq((Part((Binder(w, T.NONE, T.NONE, T.ALL_WORDS),), begins, Span(kind, w, True)),), once=kind != "ents")


def of_word(w: Term) -> Span:
    """``word.sent``."""
    return Span("sents", w, False)


def _marked(kind: str, w: Term, mark: str) -> Term:
    return T.compare("==", T.feature(w, _MARKS[kind], "str"), T.const(mark))


def _inside(span: Span, v: Term) -> Term:
    if span.kind == "sents":
        return T.compare("==", T.feature(v, "sentence", "int"), T.feature(span.word, "sentence", "int"))
    return T.conj((T.compare(">=", T.windex(v), T.windex(span.word)), T.compare("<", T.windex(v), end(span))))


def first(span: Span) -> Term:
    """The first word."""
    if span.is_first:
        return span.word
    v = T.fresh("word")
    return T.agg("first", v, T.ALL_WORDS, T.NONE, T.NONE, _inside(span, v))


def end(span: Span) -> Term:
    """One past the number of the last word."""
    v = T.fresh("word")
    if span.kind == "sents":
        return T.add(T.windex(T.agg("last", v, T.ALL_WORDS, T.NONE, T.NONE, _inside(span, v))), T.ONE)
    later = T.compare(">", T.windex(v), T.windex(span.word))
    beyond = T.agg("first", v, T.ALL_WORDS, T.NONE, T.NONE, T.conj((later, T.not_(_marked(span.kind, v, "I")))))
    return T.ite(T.some(beyond), T.windex(beyond), WORD_COUNT)


def size(span: Span) -> Term:
    """How many words it has."""
    return T.sub(end(span), T.windex(first(span)))


def words(span: Span) -> Seq:
    """The words inside, in the order of the text."""
    v = T.fresh("word")
    return Seq((Part((Binder(v, T.NONE, T.NONE, T.ALL_WORDS),), _inside(span, v), Word(v)),))


def same(a: Span, b: Span) -> Term:
    """The two are the same span; sentences, entities and chunks are compared with their own kind only."""
    if a.kind == "sents":
        return T.compare("==", T.feature(a.word, "sentence", "int"), T.feature(b.word, "sentence", "int"))
    return T.compare("==", T.windex(a.word), T.windex(b.word))


def _root(span: Span) -> Term:
    """The word nearest to the root of its sentence, of those whose head is not inside."""
    v = T.fresh("word")
    head = T.feature(v, "head", "word")
    own = T.compare("==", T.windex(head), T.windex(v))
    if span.kind == "sents":
        return T.agg("first", v, T.ALL_WORDS, T.NONE, T.NONE, T.conj((_inside(span, v), own)))
    leaves = T.conj((_inside(span, v), T.disj((own, T.not_(_inside(span, head))))))
    a = T.fresh("word")
    depth = T.agg("count", a, T.feature(v, "ancestors", "words"), T.NONE, T.NONE, T.TRUE)
    return T.agg("argmin", v, T.ALL_WORDS, T.NONE, T.NONE, leaves, depth)


def attribute(m: Machine, span: Span, name: str) -> Value:
    match name:
        case "start":
            return Scalar(T.windex(first(span)))
        case "end":
            return Scalar(end(span))
        case "root":
            return Word(_root(span))
        case "label_":
            labels = {"sents": known(""), "noun_chunks": known("NP")}
            return labels.get(span.kind, Scalar(T.feature(span.word, "entity", "str")))
        case "start_char":
            return Scalar(T.feature(first(span), "char_start", "int"))
        case "end_char":
            return Scalar(T.feature(T.wordat(T.sub(end(span), T.ONE)), "char_end", "int"))
        case "sent" if span.kind != "sents":
            return of_word(span.word)
        case "doc":
            return Opaque("doc")
    raise m.stop(f"the attribute {name!r} of a {span.kind.rstrip('s').replace('_', ' ')}", code="E0304")
