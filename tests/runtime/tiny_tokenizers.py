"""Tiny real tokenizers of every spelling, trained here on a few lines; no download."""

from __future__ import annotations

from functools import cache
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LINES = [
    "Once upon a time, there was a little girl named Lily. She didn't like the well-known old man.",
    '"Don\'t go there," the man said. "The world is big, and the sea is cold!"',
    "Lily's mom smiled. They went to the park and played with the dog in the sun.",
    "The café in the town was small. It's a naïve idea; however, nothing was ready-made.",
    "the the the the and and and was was to to a a in in of of is is ing ing ed ed",
] * 4

TEXTS = [
    "Once upon a time, the girl didn't go.",
    "The well-known man's dog.  It's here,   isn't it?",
    "  leading space, and\ttab\nline\n\nend ",
    "café naïve — “quoted” text’s end…",
    "a 😀 b 👩‍👩‍👧 c",
    "日本語 and ñandú",
    '"Go!" she said. (He left.) 3.14 is pi',
    "...",
    "!?",
    "",
    " ",
    "\n",
    "x\u00a0y\u3000z\r\nw",
    "cafe\u0301 decomposed",
]


def _wrap(tokenizer: Tokenizer, **roles: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **roles)


@cache
def byte_level(*, trim: bool = False) -> Any:
    """GPT-2's way: every byte has a piece, 'Ġ' is the space; ``trim`` takes the space out of the offsets."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=trim)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=sorted(alphabet), special_tokens=["<|endoftext|>"], show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    end = "<|endoftext|>"
    return _wrap(tokenizer, bos_token=end, eos_token=end, unk_token=end)


@cache
def wordpiece() -> Any:
    """BERT's way: lower-cased, accents dropped, '##' inside words, [CLS] and [SEP] around the text."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    roles = ("pad", "unk", "cls", "sep", "mask")
    return _wrap(tokenizer, **{f"{role}_token": token for role, token in zip(roles, special, strict=True)})


@cache
def metaspace() -> Any:
    """Llama's way: '▁' for the space and before the text, bytes as '<0x0A>' pieces, <s> in front."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    # Words are kept apart in training only, as SentencePiece does; the trained model runs over the whole text.
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(LINES, trainer)
    return _wrap(_llama_like(tokenizer), bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def _llama_like(trained: Tokenizer) -> Tokenizer:
    """The trained pieces without the pre-tokenizer, with the byte pieces as ordinary entries and <s> in front."""
    import json

    data = json.loads(trained.to_str())
    data["pre_tokenizer"] = None
    data["added_tokens"] = [token for token in data["added_tokens"] if not token["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


@cache
def unigram() -> Any:
    """T5's way: a Unigram model over '▁' words, </s> behind the text, unknown characters as <unk>."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return _wrap(tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


STYLES = {"byte_level": byte_level, "wordpiece": wordpiece, "metaspace": metaspace, "unigram": unigram}


class WithoutOffsets:
    """A tokenizer as slow ones are: the same ids, and no character offsets."""

    is_fast = False

    def __init__(self, fast: Any) -> None:
        self._fast = fast

    def __len__(self) -> int:
        return len(self._fast)

    def __call__(self, text: str) -> Any:
        return self._fast(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fast, name)
