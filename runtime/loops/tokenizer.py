"""The tokenizer as programs see it: it gives the tokens of the one text they run on.

A program may only tokenize its own sentence; another text ends the run (E0471), because the table holds no tokens for
it. ``input_ids`` behaves as a list or, with ``return_tensors``, as a matrix with one row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.dsl.tokens import SPECIAL_ROLES, SpecialTokens, TokenTable
from attndsl.runtime.loops import attributes
from attndsl.runtime.loops.state import Run, Stop, shortly, walk


class Ids:
    """A row, or a matrix with one row, of token ids, as torch gives them."""

    __slots__ = ("values",)

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __bool__(self) -> bool:
        return bool(self.values)  # of several values there is no truth: ValueError

    def __getitem__(self, index: Any) -> Any:
        found = self.values[index]
        return Ids(found) if isinstance(found, np.ndarray) else int(found)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self.values)))


class Encoding:
    """What ``tokenizer(text)`` returns."""

    __slots__ = ("columns", "raw")

    def __init__(self, raw: tuple[str, ...], columns: dict[str, Any]) -> None:
        self.raw = raw
        self.columns = columns

    def __getitem__(self, name: Any) -> Any:
        if isinstance(name, str):
            return self.columns[name]
        raise Stop("E0466", "the encoding is read by column name only", 'write encoding["input_ids"]')

    def __contains__(self, name: Any) -> bool:
        return name in self.columns

    def keys(self) -> list[str]:
        """The names of the columns."""
        return list(self.columns)


@attributes.register_callable
class Tokenizer:
    """The tokenizer a program is called with."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @property
    def table(self) -> TokenTable:
        return self.run.table

    def _own_text(self, text: Any) -> None:
        if isinstance(text, list | tuple) and len(text) == 1:
            text = text[0]
        if text != self.table.text:
            shown = shortly(text)[:60]
            raise Stop(
                "E0471",
                f"the program tokenizes {shown}, which is not its sentence",
                "use the tokens of the sentence; a compiled program has no other tokens",
            )

    def _places(self, special: Any) -> list[int]:
        return [i for i in range(len(self.table)) if special or not self.table.special[i]]

    def __call__(self, text: Any, *args: Any, **options: Any) -> Encoding:
        self._own_text(text)
        unknown = set(options) - _HARMLESS - {"return_tensors", "add_special_tokens", "return_offsets_mapping"}
        if args or unknown:
            raise Stop("E0466", f"the tokenizer is called with {', '.join(sorted(unknown)) or 'two texts'}")
        table, places = self.table, self._places(options.get("add_special_tokens", True))
        ids = [table.ids[i] for i in places]
        batched = isinstance(text, list | tuple)
        columns: dict[str, Any] = {"input_ids": ids, "attention_mask": [1] * len(ids)}
        if options.get("return_offsets_mapping"):
            columns["offset_mapping"] = [(table.start[i], table.end[i]) for i in places]
        kind = options.get("return_tensors")
        if kind == "pt":
            columns = {n: Ids(np.array([c], dtype=np.int64)) for n, c in columns.items()}
        elif kind == "np":
            columns = {n: np.array([c], dtype=np.int64) for n, c in columns.items()}
        elif kind is not None:
            raise Stop("E0466", f"return_tensors={shortly(kind)} is not read")
        elif batched:
            columns = {n: [c] for n, c in columns.items()}
        return Encoding(tuple(table.raw[i] for i in places), columns)

    def tokenize(self, text: Any, **options: Any) -> list[str]:
        """The tokens without special ones."""
        self._own_text(text)
        if set(options) - {"add_special_tokens"}:
            raise Stop("E0466", f"the tokenizer is called with {', '.join(sorted(options))}")
        return [self.table.raw[i] for i in self._places(options.get("add_special_tokens", False))]

    def encode(self, text: Any, **options: Any) -> Any:
        """The ids, with special tokens unless ``add_special_tokens=False``."""
        return self(text, **options).columns["input_ids"]

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: Any = False) -> Any:
        """Vocabulary strings of ids of the sentence."""
        by_id = dict(zip(self.table.ids, self.table.raw, strict=True))
        if isinstance(ids, int | np.integer):
            return self._raw(by_id, ids)
        special = {t for t, s in zip(self.table.ids, self.table.special, strict=True) if s and skip_special_tokens}
        values = ids.values if isinstance(ids, Ids) else ids
        if isinstance(values, np.ndarray) and values.ndim > 1:
            raise TypeError("only one row of ids can be converted")
        return [self._raw(by_id, i) for i in walk(self.run, values) if int(i) not in special]

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """Ids of vocabulary strings of the sentence, and of special tokens."""
        by_raw: dict[str, int] = {}
        specials = self.table.specials
        named = zip(specials.tokens, specials.ids, strict=True) if specials is not None else ()
        for raw, number in (*named, *zip(self.table.raw, self.table.ids, strict=True)):
            by_raw[raw] = number
        if tokens is None or isinstance(tokens, str):
            return self._id(by_raw, tokens)
        return [self._id(by_raw, token) for token in walk(self.run, tokens)]

    def _id(self, by_raw: dict[str, int], token: Any) -> int:
        found = by_raw.get(token) if isinstance(token, str) else None
        if found is None:
            raise Stop("E0471", f"the program asks for the id of {shortly(token)}, which its sentence does not have")
        return found

    def specials(self) -> SpecialTokens:
        """Raises Stop E0466 for a tokenizer that does not say."""
        if self.table.specials is None:
            raise Stop("E0466", "this tokenizer does not say which its special tokens are", "compare the tokens' texts")
        return self.table.specials

    def decode(self, ids: Any, skip_special_tokens: Any = False) -> str:
        """The text of one token of the sentence."""
        if self.table.decoded is None:
            raise Stop("E0466", "this tokenizer has no decode", "use convert_ids_to_tokens")
        values = ids.values.ravel() if isinstance(ids, Ids) else np.atleast_1d(np.asarray(ids))
        if values.ndim != 1 or len(values) != 1:
            raise Stop(
                "E0466",
                "the tokenizer's decode is asked for something else than one token",
                "decode one id at a time: [tokenizer.decode([i]) for i in ids]",
            )
        hidden = self.table.special[self.table.ids.index(values[0])] if values[0] in self.table.ids else False
        text = self._raw(dict(zip(self.table.ids, self.table.decoded, strict=True)), values[0])
        return "" if hidden and skip_special_tokens else text

    def _raw(self, by_id: dict[int, str], index: Any) -> str:
        found = by_id.get(int(index))
        if found is None:
            raise Stop("E0471", f"the program asks for token id {index}, which its sentence does not have")
        return found


_HARMLESS = frozenset({"truncation", "padding", "return_attention_mask", "return_token_type_ids", "verbose"})

_IDS_READ = {"shape": lambda v: tuple(v.values.shape), "T": lambda v: Ids(v.values.T)}
_IDS_METHODS = {
    "tolist": lambda v: v.values.tolist(),
    "squeeze": lambda v, *axis: Ids(np.squeeze(v.values, *axis)),
    "flatten": lambda v: Ids(v.values.ravel()),
    "size": lambda v, *axis: tuple(v.values.shape) if not axis else v.values.shape[axis[0]],
    "item": lambda v: v.values.item(),
}
attributes.register(Ids, _IDS_READ, _IDS_METHODS)
attributes.register(
    Encoding,
    {
        name: (lambda column: lambda e: _column(e, column))(name)
        for name in ("input_ids", "attention_mask", "offset_mapping")
    },
    {"tokens": lambda e: list(e.raw), "keys": Encoding.keys, "get": lambda e, n, d=None: e.columns.get(n, d)},
)


def _special(role: str, place: int) -> Callable[[Tokenizer], Any]:
    """``tokenizer.cls_token`` (place 1) or ``tokenizer.cls_token_id`` (place 2): None where it has none."""
    return lambda t: next((found[place] for found in t.specials().roles if found[0] == role), None)


attributes.register(
    Tokenizer,
    {
        "all_special_tokens": lambda t: list(t.specials().tokens),
        "all_special_ids": lambda t: list(t.specials().ids),
        **{f"{role}_token": _special(role, 1) for role in SPECIAL_ROLES},
        **{f"{role}_token_id": _special(role, 2) for role in SPECIAL_ROLES},
    },
    {
        "convert_tokens_to_ids": Tokenizer.convert_tokens_to_ids,
        "convert_ids_to_tokens": Tokenizer.convert_ids_to_tokens,
        "tokenize": Tokenizer.tokenize,
        "encode": Tokenizer.encode,
        "decode": Tokenizer.decode,
        "encode_plus": Tokenizer.__call__,
    },
)


def _column(encoding: Encoding, name: str) -> Any:
    if name not in encoding.columns:
        raise AttributeError(name)
    return encoding.columns[name]
