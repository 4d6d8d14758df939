"""Token tables: what a program sees of a text, from a text or from the ids that run through a model.

The tokenizer is a Hugging Face tokenizer, duck-typed and never imported here. A fast tokenizer gives character
offsets; without them the decoded pieces are laid along the text (``runtime/offsets.py``).
"""

from __future__ import annotations

import operator
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, Final

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.dsl.tokens import SPECIAL_ROLES, SpecialTokens, TokenTable, WordTable
from attndsl.runtime.offsets import Span, align_pieces
from attndsl.runtime.parse_words import word_parser
from attndsl.runtime.pieces import PieceStyle, piece_bytes
from attndsl.runtime.text_marks import quoted, sentence_numbers, starts_word
from attndsl.runtime.vocabulary import VocabularyView, vocabulary
from attndsl.runtime.wordpiece_text import join_wordpieces

Parse = Callable[[str], WordTable]


class Default(Enum):
    """The type of ``DEFAULT``."""

    DEFAULT = "default"


DEFAULT: Final = Default.DEFAULT
"""Parse with ``word_parser()``: the pipeline named by ATTNDSL_SPACY_MODEL, loaded when words are first read."""

# Tables kept. One of 128 tokens with its words takes about 0.1 MB.
_KEPT = 1024
_tables: OrderedDict[tuple[object, ...], TokenTable] = OrderedDict()
_tables_lock = threading.Lock()


def token_table(text: str, tokenizer: Any, parse: Parse | Default | None = DEFAULT) -> TokenTable:
    """The tokens of a text as the published programs get them from ``tokenizer(text)``, with their places in it.

    ``raw`` is ``tokenizer.convert_ids_to_tokens(tokenizer(text).input_ids)``, special tokens that the tokenizer adds
    included. ``parse`` gives the words on first use; None means that there are none to be had. The last 1,024 tables
    are kept by tokenizer and text. Raises DiagnosticError E0640 (not a tokenizer), E0642 (not Unicode text).
    """
    _require_text(text)
    view = vocabulary(tokenizer)
    # Both flags can be set after loading, and change what the tokenizer adds.
    adds = (getattr(tokenizer, "add_bos_token", None), getattr(tokenizer, "add_eos_token", None))
    parser = word_parser() if parse is DEFAULT else parse
    return _remember((view, adds, text, parser), lambda: _from_text(text, tokenizer, view, parser))


def token_table_of_ids(ids: Iterable[Any], tokenizer: Any, parse: Parse | Default | None = DEFAULT) -> TokenTable:
    """The tokens of a row of ids, as a program running inside a model gets them.

    ``text`` is what the ids decode to, special tokens left out. Byte-level and SentencePiece vocabularies spell their
    text in full, and the table equals that of ``token_table(text)`` wherever that text gives these ids. WordPiece
    keeps neither spaces nor, mostly, case: its text is joined by the rules of English typesetting, and what depends
    on them (words, sentences) may differ from the original's.
    A sequence that ends within a character ends its text with U+FFFD. ``ids`` is one-dimensional (a list, array or
    tensor). Raises DiagnosticError E0640 (not a tokenizer), E0641 (an id that is not in the vocabulary).
    """
    view = vocabulary(tokenizer)
    row = _row(ids, view)
    parser = word_parser() if parse is DEFAULT else parse
    return _remember((view, row, parser), lambda: _from_ids(row, tokenizer, view, parser))


def forget_tables() -> None:
    """Drop all kept tables (after changing a tokenizer in place, say)."""
    with _tables_lock:
        _tables.clear()


def _remember(key: tuple[object, ...], build: Callable[[], TokenTable]) -> TokenTable:
    with _tables_lock:
        if key in _tables:
            _tables.move_to_end(key)
            return _tables[key]
    table = build()
    with _tables_lock:
        _tables[key] = table
        while len(_tables) > _KEPT:
            _tables.popitem(last=False)
    return table


def _require_text(text: object) -> None:
    if not isinstance(text, str):
        raise fail("E0642", f"a text must be a str, not {type(text).__name__}", help="pass one text at a time, decoded")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise fail(
            "E0642",
            f"the text has a lone surrogate {text[error.start]!a} at character {error.start}",
            help="decode the bytes it came from as UTF-8 with errors='replace'",
        ) from None


def _row(ids: Iterable[Any], view: VocabularyView) -> tuple[int, ...]:
    values: Any = ids.tolist() if hasattr(ids, "tolist") else list(ids)
    row: list[int] = []
    if not isinstance(values, list):  # a lone number
        raise _no_id([values], view)
    for value in values:
        try:
            row.append(operator.index(value))
        except TypeError:
            raise _no_id(value, view) from None
        if not 0 <= row[-1] < len(view) or view.raw[row[-1]] is None:
            raise _no_id(value, view)
    return tuple(row)


def _no_id(value: object, view: VocabularyView) -> DiagnosticError:
    return fail(
        "E0641",
        f"{_short(value)} is not a token id of this tokenizer (0 to {len(view) - 1})",
        help="pass one row of ids, made by the same model's tokenizer",
    )


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def _from_text(text: str, tokenizer: Any, view: VocabularyView, parse: Parse | None) -> TokenTable:
    offsets: list[Span] | None = None
    if getattr(tokenizer, "is_fast", False):
        encoded = tokenizer(text, return_offsets_mapping=True)
        offsets = [(int(start), int(end)) for start, end in encoded["offset_mapping"]]
    else:
        encoded = tokenizer(text)
    ids = tuple(int(i) for i in encoded["input_ids"])
    raw: tuple[str, ...] = tuple(tokenizer.convert_ids_to_tokens(list(ids)))
    if offsets is None or not _usable(text, ids, raw, offsets, view):
        written = {at: raw[at].encode() for at, token in enumerate(ids) if token in view.special}
        offsets = align_pieces(text, _pieces(ids, raw, view), written)
    return _table(text, ids, raw, offsets, view, parse, tokenizer)


def _from_ids(ids: tuple[int, ...], tokenizer: Any, view: VocabularyView, parse: Parse | None) -> TokenTable:
    raw: tuple[str, ...] = tuple(tokenizer.convert_ids_to_tokens(list(ids)))
    pieces = _pieces(ids, raw, view)
    if view.style is PieceStyle.BYTE_LEVEL:
        text = b"".join(piece for piece in pieces if piece is not None).decode(errors="replace")
    else:
        pieces = [raw[at].encode() if i == view.unknown else pieces[at] for at, i in enumerate(ids)]
        spoken = [i for i in ids if i not in view.special]
        if view.style is PieceStyle.WORDPIECE:
            text = join_wordpieces(tokenizer.convert_ids_to_tokens(spoken))
        else:
            text = tokenizer.decode(spoken, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return _table(text, ids, raw, align_pieces(text, pieces), view, parse, tokenizer)


def _pieces(ids: Sequence[int], raw: Sequence[str], view: VocabularyView) -> list[bytes | None]:
    """The bytes of text each token stands for; None for special tokens, b"" for unknown text."""
    pieces: list[bytes | None] = []
    for token, piece in zip(ids, raw, strict=True):
        if token in view.special:
            pieces.append(None)
        elif token == view.unknown:
            pieces.append(b"")
        else:
            pieces.append(piece.encode() if token in view.literal else piece_bytes(piece, view.style))
    return pieces


def _usable(text: str, ids: Sequence[int], raw: Sequence[str], offsets: Sequence[Span], view: VocabularyView) -> bool:
    """Whether offsets are in order and no visible token is empty (some converted tokenizers give (i, i))."""
    reached = 0
    for token, piece, (start, end) in zip(ids, raw, offsets, strict=True):
        if token in view.special:
            continue
        if not reached <= start <= end <= len(text):
            return False
        if start == end and any(c.isascii() and c.isalnum() for c in piece):
            return False
        reached = start
    return True


def _table(
    text: str,
    ids: tuple[int, ...],
    raw: tuple[str, ...],
    offsets: Sequence[Span],
    view: VocabularyView,
    parse: Parse | None,
    tokenizer: Any,
) -> TokenTable:
    special = tuple(i in view.special for i in ids)
    spans = [
        (0, 0) if hidden else _tight(text, *span, blank=not piece.strip("▁Ġ "))
        for hidden, piece, span in zip(special, raw, offsets, strict=True)
    ]
    numbers, quotes = sentence_numbers(text), quoted(text)
    word_start: list[bool] = []
    sentence: list[int] = []
    begun = -1  # the largest start so far: of the tokens that share a character, only the first can start a word
    for (start, end), hidden in zip(spans, special, strict=True):
        visible = not hidden and end > start
        word_start.append(visible and start > begun and starts_word(text, start))
        sentence.append(numbers[start] if visible else sentence[-1] if sentence else 0)
        begun = max(begun, start) if visible else begun
    return TokenTable(
        text=text,
        ids=ids,
        raw=raw,
        start=tuple(start for start, _ in spans),
        end=tuple(end for _, end in spans),
        surface=tuple(text[start:end].strip() for start, end in spans),
        special=special,
        word_start=tuple(word_start),
        sentence=tuple(sentence),
        in_quotes=tuple(_in_quotes(text, quotes, span) for span in spans),
        parse=parse,
        decoded=view.decoded(tokenizer, ids),
        specials=_specials(tokenizer),
    )


def _specials(tokenizer: Any) -> SpecialTokens | None:
    """What programs are told when they ask for ``tokenizer.cls_token`` and the like."""
    if not hasattr(tokenizer, "all_special_tokens") or not hasattr(tokenizer, "all_special_ids"):
        return None
    roles = []
    for role in SPECIAL_ROLES:
        token, number = getattr(tokenizer, f"{role}_token", None), getattr(tokenizer, f"{role}_token_id", None)
        if token is not None and number is not None:
            roles.append((role, str(token), int(number)))
    tokens, ids = tokenizer.all_special_tokens, tokenizer.all_special_ids
    if len(tokens) != len(ids):
        return None
    return SpecialTokens(tuple(roles), tuple(str(t) for t in tokens), tuple(int(i) for i in ids))


def _tight(text: str, start: int, end: int, *, blank: bool) -> Span:
    """The span without white space around it; a span of nothing but white space stays as it is.

    A blank token stands for no visible text: SentencePiece puts a '▁' before the text that is not in it, and some
    tokenizers report the first word's place for it. It gets an empty span there.
    """
    visible = text[start:end]
    if not visible.strip():
        return start, end
    if blank:
        return start, start
    return start + len(visible) - len(visible.lstrip()), end - len(visible) + len(visible.rstrip())


def _in_quotes(text: str, quotes: Sequence[bool], span: Span) -> bool:
    """A token counts as quoted by its first character that is not itself a quote mark."""
    inner = (at for at in range(*span) if text[at] not in '"“”')
    return any(quotes[at] for at in (next(inner, None),) if at is not None)
