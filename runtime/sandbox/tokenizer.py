"""The tokenizer as a program sees it: the tokens of the one sentence, computed before the program started."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from attndsl.runtime.sandbox.guards import SPECIAL
from attndsl.runtime.sandbox.names import ATTRIBUTES

_TENSORS = ("pt", "np", "tf")


class Encoding:
    """What ``tokenizer(sentence)`` gives: ``input_ids`` and its companions, as attributes or items."""

    __slots__ = ("_parts",)

    def __init__(self, parts: dict[str, Any]) -> None:
        self._parts = parts

    def __getitem__(self, name: str) -> Any:
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def keys(self) -> list[str]:
        return list(self._parts)

    def tokens(self) -> list[str]:
        return list(self._parts["@raw"])

    @property
    def input_ids(self) -> Any:
        return self._parts["input_ids"]

    @property
    def attention_mask(self) -> Any:
        return self._parts["attention_mask"]

    @property
    def offset_mapping(self) -> Any:
        return self._parts["offset_mapping"]


class Tokenizer:
    """The tokens of one sentence behind a tokenizer's methods; any other text is an error."""

    __slots__ = ("_decoded", "_ids", "_offsets", "_raw", "_special", "_specials", "_text")

    def __init__(self, text: str, data: dict[str, Any]) -> None:
        self._text = text
        self._ids: list[int] = data["ids"]
        self._raw: list[str] = data["raw"]
        self._special: list[bool] = data["special"]
        self._decoded: list[str] | None = data["decoded"]
        self._specials: list[Any] | None = data.get("specials")
        self._offsets: list[tuple[int, int]] = list(zip(data["start"], data["end"], strict=True))

    def _positions(self, text: Any, special: bool) -> list[int]:
        if text != self._text:
            raise ValueError("only the sentence itself is tokenized before the program starts, not other texts")
        return [i for i in range(len(self._ids)) if special or not self._special[i]]

    def __call__(self, text: Any, return_tensors: str | None = None, add_special_tokens: bool = True,
                 return_offsets_mapping: bool = False, truncation: Any = None, padding: Any = None,
                 **options: Any) -> Encoding:  # fmt: skip
        if options:
            raise TypeError(f"tokenizer() has no argument {sorted(options)[0]!r} here")
        batch = isinstance(text, list) and len(text) == 1
        kept = self._positions(text[0] if batch else text, add_special_tokens)
        ids = [self._ids[i] for i in kept]
        parts: dict[str, Any] = {"input_ids": ids, "attention_mask": [1] * len(ids)}
        if return_offsets_mapping:
            parts["offset_mapping"] = [self._offsets[i] for i in kept]
        if return_tensors in _TENSORS:
            parts = {name: np.array([values], dtype=np.int64) for name, values in parts.items()}
        elif batch:
            parts = {name: [values] for name, values in parts.items()}
        return Encoding({**parts, "@raw": [self._raw[i] for i in kept]})

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        if not skip_special_tokens and not isinstance(ids, int | np.integer) and [int(i) for i in ids] == self._ids:
            return list(self._raw)
        names = dict(zip(self._ids, self._raw, strict=True))
        hidden = {i for i, special in zip(self._ids, self._special, strict=True) if special and skip_special_tokens}
        if isinstance(ids, int | np.integer):
            return _known(names, int(ids))
        return [_known(names, int(i)) for i in ids if int(i) not in hidden]

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        ids = dict(zip(self._raw, self._ids, strict=True))
        if self._specials is not None:
            ids = {**dict(zip(*self._specials[1:], strict=True)), **ids}
        return _id(ids, tokens) if isinstance(tokens, str) else [_id(ids, token) for token in tokens]

    def special(self, name: str) -> Any:
        """``cls_token``, ``cls_token_id``, ``all_special_tokens`` and the like."""
        if self._specials is None:
            raise ValueError("this tokenizer does not say which its special tokens are")
        roles, tokens, ids = self._specials
        if name in ("all_special_tokens", "all_special_ids"):
            return list(tokens if name == "all_special_tokens" else ids)
        role, place = name.split("_")[0], 2 if name.endswith("_id") else 1
        return next((found[place] for found in roles if found[0] == role), None)

    def decode(self, ids: Any, skip_special_tokens: bool = False) -> str:
        if self._decoded is None:
            raise ValueError("this tokenizer has no decode")
        values = np.atleast_1d(np.asarray(ids))
        if values.shape != (1,):
            raise ValueError("only one token is decoded at a time here")
        token = int(values[0])
        text = _known(dict(zip(self._ids, self._decoded, strict=True)), token)
        return "" if skip_special_tokens and self._special[self._ids.index(token)] else text

    def tokenize(self, text: Any, add_special_tokens: bool = False) -> list[str]:
        return [self._raw[i] for i in self._positions(text, add_special_tokens)]

    def encode(self, text: Any, add_special_tokens: bool = True, return_tensors: str | None = None) -> Any:
        ids = [self._ids[i] for i in self._positions(text, add_special_tokens)]
        return np.array([ids], dtype=np.int64) if return_tensors in _TENSORS else ids


def _known(names: dict[int, str], token_id: int) -> str:
    if token_id not in names:
        raise KeyError(f"token id {token_id} does not occur in the sentence")
    return names[token_id]


def _id(ids: dict[str, int], token: Any) -> int:
    if token not in ids:
        raise KeyError(f"token {token!r} does not occur in the sentence")
    return ids[token]


_SPECIAL = ["all_special_tokens", "all_special_ids"]
_SPECIAL += [f"{role}_token{end}" for role in ("bos", "eos", "cls", "sep", "pad", "mask", "unk") for end in ("", "_id")]
ATTRIBUTES[Tokenizer] = frozenset(
    ["convert_ids_to_tokens", "convert_tokens_to_ids", "tokenize", "encode", "decode", *_SPECIAL]
)
for _name in _SPECIAL:
    SPECIAL[(Tokenizer, _name)] = partial(Tokenizer.special, name=_name)
ATTRIBUTES[Encoding] = frozenset(["input_ids", "attention_mask", "offset_mapping", "keys", "tokens"])
