"""The vocabulary entry that was meant by a literal of a program: '\\n' -> 'Ċ', 'the' -> 'Ġthe', '[CLS]' -> '<s>'.

Programs are written with one tokenizer in mind and read with another, or with plain text in mind where they see raw
pieces. The proposals here go into help texts; no program is changed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from attndsl.runtime.pieces import PieceStyle, fold_text, piece_bytes, spell
from attndsl.runtime.vocabulary import VocabularyView, vocabulary

# What well-known tokenizers call these roles; the first role that the tokenizer at hand has is proposed.
_SPECIAL_NAMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "<|endoftext|>", "[CLS]"), ("bos", "cls")),
    **dict.fromkeys(("</s>", "<eos>", "<|end_of_text|>", "<|eot_id|>", "[SEP]"), ("eos", "sep")),
    **dict.fromkeys(("[PAD]", "<pad>", "<|pad|>"), ("pad",)),
    **dict.fromkeys(("[MASK]", "<mask>"), ("mask",)),
    **dict.fromkeys(("[UNK]", "<unk>"), ("unk",)),
}


def nearest_entry(tokenizer: Any, literal: str) -> str | None:
    """The most frequent vocabulary string that stands for the literal's text, or None.

    Tried in turn, until one is in the vocabulary: the text as it is, the text that the literal spells in another
    vocabulary's style, a special token of the same role, the text without white space around it, then also without
    capitals and accents. Each is looked for at the start of a word and inside one. Vocabularies list frequent pieces
    first, so the lowest id wins; pieces of a single letter or byte are listed by alphabet instead and come last. May
    return the literal itself.
    """
    view = vocabulary(tokenizer)
    spelled = _texts(literal)
    # A literal that spells something else ('Ċ') is not itself to be stripped and folded (to 'c').
    bare = [variant for text in spelled[1:] or spelled for variant in (text.strip(), fold_text(text.strip()))]
    for text in spelled:
        found = _lookup(view, text)
        if found is not None:
            return found
    for role in _SPECIAL_NAMES.get(literal.strip(), ()):
        if role in view.roles:
            return view.roles[role]
    for text in bare:
        found = _lookup(view, text)
        if found is not None:
            return found
    return None


def _texts(literal: str) -> list[str]:
    """The literal, then the plain texts it spells as a piece of each style, or misread."""
    texts = [literal]
    for style in (PieceStyle.BYTE_LEVEL, PieceStyle.METASPACE, PieceStyle.WORDPIECE):
        try:
            text = piece_bytes(literal, style).decode()
        except UnicodeDecodeError:  # a Latin-1 letter read as a lone byte, or part of a character
            continue
        texts.append(text)
    with suppress(UnicodeError):  # "â€™" is what the bytes of ’ look like when read as Windows-1252
        texts.append(literal.encode("cp1252").decode())
    return list(dict.fromkeys(texts))


def _lookup(view: VocabularyView, text: str) -> str | None:
    if not text:
        return None
    forms = [text, *spell(text, view.style)] if text in view.roles.values() else list(spell(text, view.style))
    if not text[0].isspace():
        forms += spell(" " + text, view.style)
    present = [form for form in forms if form in view.id_of]
    return min(present, key=lambda form: (_listed_by_alphabet(form), view.id_of[form]), default=None)


def _listed_by_alphabet(form: str) -> bool:
    letter = form.removeprefix("##")
    return (len(letter) == 1 and letter.isalnum()) or (form.startswith("<0x") and len(form) == 6)
