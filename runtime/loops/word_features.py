"""What a program may ask of spaCy's words, sentences and documents, and how a text is parsed for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from attndsl.dsl.pyimport import vocabulary
from attndsl.runtime.loops import attributes
from attndsl.runtime.loops.builtins import register as register_call
from attndsl.runtime.loops.state import Run, Stop, shortly
from attndsl.runtime.loops.words import Doc, Morph, Span, Word, text_with_ws


@attributes.register_callable
class Parser:
    """A loaded spaCy pipeline: called with a text, it gives a Doc."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __call__(self, text: Any) -> Doc:
        return parse(self.run, text)


def parse(run: Run, text: Any) -> Doc:
    """Parse ``text``. A text other than the sentence is parsed once per run."""
    if not isinstance(text, str):
        raise ValueError(f"[E1041] Expected a string, Doc, or bytes as input, but got: {type(text)}")
    table = run.table
    if text == table.text:
        words = table.words
    elif text in run.parses:
        words = run.parses[text]
    else:
        run.step(1000)
        if table.parse is None:
            raise Stop("E0472", "the program parses another text than its sentence, for which no parser is at hand")
        words = run.parses[text] = table.parse(text)
    run.grow(len(words))
    return Doc(run, text, words)


class _Load:
    """``spacy.load``."""

    def __call__(self, run: Run, name: Any = "") -> Parser:
        return Parser(run)


LOAD = _Load()
register_call(LOAD, LOAD)


def _of(doc: Doc, items: Any) -> Iterator[Word]:
    words = doc.words
    return iter([words[i] for i in items])


def _subtree(word: Word) -> Iterator[Word]:
    table = word.doc.table
    found: list[int] = []
    stack: list[tuple[int, bool]] = [(word.i, False)]
    while stack:
        at, done = stack.pop()
        if done:
            found.append(at)
            continue
        children = table.children[at]
        stack.extend((c, False) for c in reversed(children) if c > at)
        stack.append((at, True))
        stack.extend((c, False) for c in reversed(children) if c < at)
    return _of(word.doc, found)


def _sentence(word: Word) -> Span:
    sentence = word.doc.table.sentence
    start = stop = word.i
    while start > 0 and sentence[start - 1] == sentence[word.i]:
        start -= 1
    while stop < len(sentence) and sentence[stop] == sentence[word.i]:
        stop += 1
    return Span(word.doc, start, stop)


def _conjuncts(word: Word) -> tuple[Word, ...]:
    table, at = word.doc.table, word.i
    while table.head[at] != at and table.dep[at] == "conj":
        at = table.head[at]
    found = [at]
    for parent in found:
        found.extend(c for c in table.children[parent] if c > parent and table.dep[c] == "conj")
    return tuple(word.doc.words[i] for i in found if i != word.i)


def _neighbour(word: Word, distance: int = 1) -> Word:
    at = word.i + distance
    if not 0 <= at < len(word.doc):
        raise IndexError(f"[E042] Error accessing `doc[{word.i}].nbor({distance})`")
    return word.doc.words[at]


def _edge(word: Word, last: bool) -> Word:
    family = [w.i for w in _subtree(word)]
    return word.doc.words[max(family) if last else min(family)]


def _flag(name: str) -> Callable[[Word], bool]:
    def read(word: Word) -> bool:
        column = word.doc.table.flags.get(name)
        if column is None:
            raise Stop("E0472", f"the parser gives no `{name}` column", "use another pipeline, or another feature")
        return column[word.i]

    return read


def _sentence_start(word: Word) -> bool:
    sentence = word.doc.table.sentence
    return word.i == 0 or sentence[word.i] != sentence[word.i - 1]


def _sentence_end(word: Word) -> bool:
    sentence = word.doc.table.sentence
    return word.i + 1 == len(sentence) or sentence[word.i] != sentence[word.i + 1]


def _is_ancestor(word: Word, other: Any) -> bool:
    return word.doc is other.doc and word.i in word.doc.table.ancestors[other.i]


_READ_WORD: dict[str, Callable[..., Any]] = {
    **{name: _flag(name) for name in vocabulary.WORD_FLAGS},
    "text": attrgetter("text"), "orth_": attrgetter("text"), "lower_": lambda w: w.text.lower(),
    "prefix_": lambda w: w.text[:1], "suffix_": lambda w: w.text[-3:],
    "i": attrgetter("i"), "idx": attrgetter("start"), "doc": attrgetter("doc"), "text_with_ws": text_with_ws,
    "pos_": attrgetter("pos"), "tag_": attrgetter("tag"), "dep_": attrgetter("dep"), "lemma_": attrgetter("lemma"),
    "ent_type_": attrgetter("ent_type"), "ent_iob_": lambda w: w.doc.table.ent_iob[w.i],
    "shape_": lambda w: w.doc.table.shape[w.i],
    "ent_iob": lambda w: ("", "I", "O", "B").index(w.doc.table.ent_iob[w.i]),
    "morph": lambda w: Morph(w.doc.table.morph[w.i]), "whitespace_": lambda w: w.doc.table.whitespace[w.i],
    "head": lambda w: w.doc.words[w.head],
    "children": lambda w: _of(w.doc, w.doc.table.children[w.i]),
    "ancestors": lambda w: _of(w.doc, w.doc.table.ancestors[w.i]),
    "lefts": lambda w: _of(w.doc, [c for c in w.doc.table.children[w.i] if c < w.i]),
    "rights": lambda w: _of(w.doc, [c for c in w.doc.table.children[w.i] if c > w.i]),
    "n_lefts": lambda w: sum(c < w.i for c in w.doc.table.children[w.i]),
    "n_rights": lambda w: sum(c > w.i for c in w.doc.table.children[w.i]),
    "subtree": _subtree, "left_edge": lambda w: _edge(w, False), "right_edge": lambda w: _edge(w, True),
    "sent": _sentence, "conjuncts": _conjuncts, "is_sent_start": _sentence_start, "is_sent_end": _sentence_end,
}  # fmt: skip

_READ_DOC: dict[str, Callable[..., Any]] = {
    "text": lambda d: d.text, "doc": lambda d: d, "sents": Doc.sents, "ents": Doc.ents, "noun_chunks": Doc.noun_chunks,
}  # fmt: skip


def _span_words(span: Span, left: bool) -> Iterator[Word]:
    table = span.doc.table
    if left:
        found = [c for i in reversed(range(span.start, span.end)) for c in table.children[i] if c < span.start]
    else:
        found = [c for i in range(span.start, span.end) for c in table.children[i] if c >= span.end]
    return _of(span.doc, found)


def _span_subtree(span: Span) -> Iterator[Word]:
    for word in _span_words(span, True):
        yield from _subtree(word)
    yield from span
    for word in _span_words(span, False):
        yield from _subtree(word)


_READ_SPAN: dict[str, Callable[..., Any]] = {
    "text": Span.text, "start": lambda s: s.start, "end": lambda s: s.end, "start_char": Span.start_char,
    "end_char": Span.end_char, "root": Span.root, "label_": lambda s: s.label, "doc": lambda s: s.doc,
    "lemma_": lambda s: _lemma(s), "sent": lambda s: _sentence(s.doc[s.start]),
    "ents": lambda s: [e for e in s.doc.ents() if e.start >= s.start and e.end <= s.end],
    "noun_chunks": lambda s: iter([c for c in s.doc.noun_chunks() if c.start >= s.start and c.end <= s.end]),
    "orth_": Span.text, "text_with_ws": lambda s: "".join(text_with_ws(w) for w in s),
    "n_lefts": lambda s: len(list(_span_words(s, True))), "n_rights": lambda s: len(list(_span_words(s, False))),
    "conjuncts": lambda s: _conjuncts(s.root()),
    "lefts": lambda s: _span_words(s, True), "rights": lambda s: _span_words(s, False), "subtree": _span_subtree,
}  # fmt: skip


def _char_span(doc: Doc, start: Any, end: Any, label: Any = "", *, alignment_mode: Any = "strict") -> Span | None:
    """The span between two characters; None where they cut a word (``strict``)."""
    table = doc.table
    if alignment_mode != "strict":
        raise Stop("E0466", f"`char_span` is read with strict alignment only, not {shortly(alignment_mode)}")
    if start not in table.start or end not in table.end:
        return None
    first, last = table.start.index(start), table.end.index(end)
    return Span(doc, first, last + 1, label if isinstance(label, str) else "") if first <= last else None


def _lemma(span: Span) -> str:
    table = span.doc.table
    return "".join(table.lemma[i] + table.whitespace[i] for i in range(span.start, span.end)).strip()


attributes.register(
    Word, _READ_WORD, {"nbor": _neighbour, "is_ancestor": _is_ancestor, "has_head": lambda w: True,
                       "has_dep": lambda w: True}
)  # fmt: skip
attributes.register(Doc, _READ_DOC, {"char_span": _char_span})
attributes.register(Span, _READ_SPAN, {})
attributes.register(Morph, {}, {"get": Morph.get, "to_dict": Morph.to_dict})
