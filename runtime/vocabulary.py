"""A tokenizer's vocabulary as plain data, and predicates on its strings answered once per entry.

A predicate that looks at nothing but a token's raw string has one answer per vocabulary entry: it is asked once for
each of them, and a sentence's answers are gathered by token id. The tokenizer is duck-typed; nothing is imported.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from attndsl.dsl.diagnostics import fail
from attndsl.dsl.tokens import SPECIAL_ROLES
from attndsl.runtime.pieces import PieceStyle, detect_style

# Answers kept per vocabulary; 64 MiB are a thousand predicates over 50,000 entries.
_ANSWER_BYTES = 64 * 2**20

Answers = npt.NDArray[np.bool_] | npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VocabularyView:
    """The vocabulary of one tokenizer; equal only to itself.

    ``raw`` has the vocabulary string of every id (None where an id is unused), ``id_of`` is its inverse. ``special``
    are the ids that stand for no text ([CLS], <s>, ...); ``unknown`` is the id that stands for text without a piece
    of its own ([UNK]), None when the tokenizer has none. ``literal`` are the ids of added tokens, whose string is
    their text. ``roles`` maps "bos", "eos", "cls", "sep", "pad", "mask", "unk" to strings, where set.
    """

    raw: tuple[str | None, ...]
    id_of: dict[str, int]
    style: PieceStyle
    special: frozenset[int]
    unknown: int | None
    literal: frozenset[int]
    roles: dict[str, str]
    _answers: OrderedDict[tuple[Hashable, str], Answers] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _decoded: dict[int, str] = field(default_factory=dict, repr=False)

    def decoded(self, tokenizer: Any, ids: Iterable[int]) -> tuple[str, ...] | None:
        """What the tokenizer's ``decode`` gives for each id alone, asked once per id; None when it has none."""
        if not hasattr(tokenizer, "decode"):
            return None
        found = self._decoded
        for number in ids:
            if number not in found:
                found[number] = str(tokenizer.decode([number]))
        return tuple(found[number] for number in ids)

    def __len__(self) -> int:
        return len(self.raw)


_views: dict[int, tuple[weakref.ref[Any], int, VocabularyView]] = {}
_views_lock = threading.Lock()


def vocabulary(tokenizer: Any) -> VocabularyView:
    """The vocabulary of a Hugging Face tokenizer, read once per tokenizer object and again when it grows.

    Raises DiagnosticError E0640 when the object is not a tokenizer.
    """
    require_tokenizer(tokenizer)
    key, size = id(tokenizer), len(tokenizer)
    with _views_lock:
        kept = _views.get(key)
    if kept is not None and kept[0]() is tokenizer and kept[1] == size:
        return kept[2]
    view = _read(tokenizer)
    # The reference is weak, and its end forgets the entry: ids of dead objects are used again.
    reference = weakref.ref(tokenizer, lambda _: _views.pop(key, None))
    with _views_lock:
        _views[key] = (reference, size, view)
    return view


def require_tokenizer(tokenizer: Any) -> None:
    """Raise DiagnosticError E0640 unless the object can be called and names its ids, vocabulary and size."""
    needed = ("convert_ids_to_tokens", "get_vocab", "__len__")
    missing = [name for name in needed if not hasattr(tokenizer, name)]
    if not callable(tokenizer):
        missing.insert(0, "__call__")
    if missing:
        raise fail(
            "E0640",
            f"a {type(tokenizer).__name__} is not a tokenizer: it has no {', '.join(missing)}",
            help="pass the model's tokenizer, as transformers.AutoTokenizer.from_pretrained(...) gives it",
        )


def _read(tokenizer: Any) -> VocabularyView:
    known: dict[str, int] = tokenizer.get_vocab()
    size = max(known.values(), default=-1) + 1
    raw: tuple[str | None, ...] = tuple(tokenizer.convert_ids_to_tokens(list(range(size))))
    style = detect_style(piece for piece in raw if piece is not None)
    added: dict[int, Any] = getattr(tokenizer, "added_tokens_decoder", {})
    special = {int(i) for i in getattr(tokenizer, "all_special_ids", ())}
    special |= {i for i, token in added.items() if getattr(token, "special", False)}
    named = {role: getattr(tokenizer, f"{role}_token", None) for role in SPECIAL_ROLES}
    roles = {role: str(token) for role, token in named.items() if token is not None}
    unknown = _unknown_id(known, roles, style)
    return VocabularyView(
        raw=raw,
        id_of={piece: i for i, piece in reversed(list(enumerate(raw))) if piece is not None},
        style=style,
        special=frozenset(special - {unknown}),
        unknown=unknown,
        literal=frozenset(added),
        roles=roles,
    )


def _unknown_id(known: dict[str, int], roles: dict[str, str], style: PieceStyle) -> int | None:
    """The id that stands for unknown text. Byte-level vocabularies spell everything: theirs is only a name."""
    token = roles.get("unk")
    shared = any(roles.get(role) == token for role in SPECIAL_ROLES if role != "unk")
    if token is None or shared or style is PieceStyle.BYTE_LEVEL:
        return None
    return known.get(token)


@overload
def answer_once(
    tokenizer: Any, fn: Callable[[str], bool], *, key: Hashable = None, dtype: Literal["bool"] = "bool"
) -> npt.NDArray[np.bool_]: ...


@overload
def answer_once(
    tokenizer: Any, fn: Callable[[str], float], *, key: Hashable = None, dtype: Literal["float"]
) -> npt.NDArray[np.float64]: ...


def answer_once(
    tokenizer: Any, fn: Callable[[str], Any], *, key: Hashable = None, dtype: Literal["bool", "float"] = "bool"
) -> Answers:
    """``fn`` of every vocabulary string: a read-only array of length ``len(vocabulary(tokenizer))``.

    A sentence's answers are ``answers[list(table.ids)]``. ``fn`` must depend on its argument alone. The answers are
    kept under ``key`` (``fn`` itself when None): give a key that tells predicates apart when ``fn`` is made anew for
    each use. Unused ids answer False or 0. What ``fn`` raises is passed on, and nothing is kept then.
    """
    view = vocabulary(tokenizer)
    slot: tuple[Hashable, str] = (fn if key is None else key, dtype)
    with view._lock:
        if slot in view._answers:
            view._answers.move_to_end(slot)
            return view._answers[slot]
    kind = np.bool_ if dtype == "bool" else np.float64
    answers: Answers = np.fromiter((0 if raw is None else fn(raw) for raw in view.raw), dtype=kind, count=len(view))
    answers.flags.writeable = False
    with view._lock:
        view._answers[slot] = answers
        while len(view._answers) > 1 and sum(kept.nbytes for kept in view._answers.values()) > _ANSWER_BYTES:
            view._answers.popitem(last=False)
    return answers


def never_true(tokenizer: Any, fn: Callable[[str], bool], *, key: Hashable = None) -> bool:
    """Whether no vocabulary entry satisfies the predicate: a rule that tests it can never fire."""
    return not answer_once(tokenizer, fn, key=key).any()
