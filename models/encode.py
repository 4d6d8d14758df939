"""From text to the token ids a model sees, special tokens included, and texts cut to a number of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from attndsl.dsl.diagnostics import fail
from attndsl.models.corpus import Text


def encode(text: str, tokenizer: Any, *, max_context: int | None = None, name: str = "") -> list[int]:
    """Token ids of ``text`` as the tokenizer makes them by default, with the special tokens it adds.

    Raises E0614 when they are more than ``max_context``, E0621 when there are none.
    """
    ids = [int(i) for i in tokenizer(text, verbose=False)["input_ids"]]
    who = f"text '{name}'" if name else "the text"
    if not ids:
        raise fail("E0621", f"{who} has no tokens", help="give a text that is not empty")
    if max_context is not None and len(ids) > max_context:
        raise fail(
            "E0614",
            f"{who} has {len(ids)} tokens, the model's context holds {max_context}",
            help="cut the texts to a number of tokens, or split them",
        )
    return ids


def special_tokens_present(ids: Sequence[int], tokenizer: Any) -> dict[str, bool]:
    """Whether the ids begin with a BOS or CLS token and end with an EOS or SEP token.

    Keys: ``bos``, ``cls``, ``eos``, ``sep``. Scores need it: attention to such a token is not attention to a word.
    """
    first, last = (ids[0], ids[-1]) if ids else (None, None)

    def at(where: int | None, token: str) -> bool:
        special = getattr(tokenizer, f"{token}_token_id", None)
        return special is not None and where == special

    return {"bos": at(first, "bos"), "cls": at(first, "cls"), "eos": at(last, "eos"), "sep": at(last, "sep")}


def cut_text(text: str, tokenizer: Any, max_tokens: int) -> str:
    """The longest beginning of ``text`` that is at most ``max_tokens`` tokens, special tokens included.

    The text is cut at a token's character offset and tokenized again, so that the text that is kept and its tokens
    agree: the tokens of a beginning are not always the beginning of the tokens. Raises E0615 when the tokenizer
    gives no offsets, E0614 when not even one character fits.
    """
    if len(encode(text, tokenizer)) <= max_tokens:
        return text
    if not getattr(tokenizer, "is_fast", False):
        raise fail(
            "E0615",
            f"the tokenizer {type(tokenizer).__name__} gives no character offsets",
            help="use a model with a fast tokenizer (a tokenizer.json file)",
        )
    offsets = tokenizer(text, return_offsets_mapping=True, verbose=False)["offset_mapping"]
    ends = sorted({int(end) for start, end in offsets[:max_tokens] if end > start}, reverse=True)
    for end in ends:
        kept = text[:end]
        if len(encode(kept, tokenizer)) <= max_tokens:
            return kept
    raise fail(
        "E0614",
        f"nothing of the text fits into {max_tokens} tokens",
        help="allow more tokens: special tokens count as well",
    )


def cut_texts(
    texts: Sequence[Text], tokenizer: Any, *, max_tokens: int, min_tokens: int = 1
) -> tuple[list[Text], list[Text]]:
    """Cut every text to ``max_tokens`` tokens; give (those with at least ``min_tokens`` after that, the rest)."""
    kept: list[Text] = []
    short: list[Text] = []
    for text in texts:
        cut = replace(text, text=cut_text(text.text, tokenizer, max_tokens))
        (kept if len(encode(cut.text, tokenizer, name=text.id)) >= min_tokens else short).append(cut)
    return kept, short
