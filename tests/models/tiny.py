"""Tiny random models of many architectures and tiny trained tokenizers: made from configurations, no download."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import transformers as t
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LINES = [
    "Once upon a time, a small fox lived near the river with her mother.",
    '"Come home," said the mother, "the night is cold and the river is high."',
    "The fox ran to the river, and the river sang to the fox.",
    "Ünïcode söngs, naïve cafés and 12345 numbers are in this line too!",
    "Every day the fox counts: one, two, three, four, five.",
]
VOCABULARY = 320


@cache
def byte_bpe() -> t.PreTrainedTokenizerFast:
    """GPT-2 style: byte-level BPE, no special token added."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<pad>", "<eos>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return t.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")


@cache
def wordpiece() -> t.PreTrainedTokenizerFast:
    """BERT style: WordPiece with [CLS] and [SEP]."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )


@cache
def unigram() -> t.PreTrainedTokenizerFast:
    """Llama style: a SentencePiece-like Unigram model with a beginning-of-sequence token."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return t.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


_SIZES = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
_IDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
_WIDE = {**_SIZES, "intermediate_size": 48, "max_position_embeddings": 64}
_GQA = {**_WIDE, **_IDS, "num_key_value_heads": 2, "head_dim": 8}
WINDOW = 5

_CAUSAL: dict[str, Callable[[], tuple[Any, Any]]] = {
    "gpt2": lambda: (
        t.GPT2LMHeadModel,
        t.GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_layer=3, n_head=4, n_positions=64, **_IDS),
    ),
    "llama": lambda: (t.LlamaForCausalLM, t.LlamaConfig(**_GQA)),
    "qwen2": lambda: (t.Qwen2ForCausalLM, t.Qwen2Config(**_GQA)),
    "qwen3": lambda: (t.Qwen3ForCausalLM, t.Qwen3Config(**_GQA)),
    "mistral": lambda: (t.MistralForCausalLM, t.MistralConfig(**_GQA, sliding_window=WINDOW)),
    "gemma": lambda: (t.GemmaForCausalLM, t.GemmaConfig(**_GQA)),
    "gemma2": lambda: (
        t.Gemma2ForCausalLM,
        t.Gemma2Config(**_GQA, sliding_window=WINDOW, query_pre_attn_scalar=8, attn_logit_softcapping=5.0),
    ),
    "gemma3": lambda: (
        t.Gemma3ForCausalLM,
        t.Gemma3TextConfig(**_GQA, sliding_window=WINDOW, query_pre_attn_scalar=8, sliding_window_pattern=2),
    ),
    "gpt_neox": lambda: (t.GPTNeoXForCausalLM, t.GPTNeoXConfig(**_WIDE, **_IDS)),
    "phi": lambda: (t.PhiForCausalLM, t.PhiConfig(**_WIDE, **_IDS)),
    "phi3": lambda: (t.Phi3ForCausalLM, t.Phi3Config(**_WIDE, **_IDS, num_key_value_heads=2)),
    "opt": lambda: (
        t.OPTForCausalLM,
        t.OPTConfig(**_SIZES, **_IDS, ffn_dim=48, max_position_embeddings=64, word_embed_proj_dim=32),
    ),
}
_ENCODERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "bert": lambda: (t.BertForMaskedLM, t.BertConfig(**_WIDE)),
    "roberta": lambda: (t.RobertaForMaskedLM, t.RobertaConfig(**{**_WIDE, "max_position_embeddings": 66})),
    "distilbert": lambda: (
        t.DistilBertForMaskedLM,
        t.DistilBertConfig(vocab_size=VOCABULARY, dim=32, n_layers=3, n_heads=4, hidden_dim=48),
    ),
    "albert": lambda: (t.AlbertForMaskedLM, t.AlbertConfig(**_WIDE, embedding_size=16)),
}
CAUSAL = tuple(_CAUSAL)
ENCODERS = tuple(_ENCODERS)
WINDOWED = ("mistral", "gemma2", "gemma3")
GQA = ("llama", "qwen2", "qwen3", "mistral", "gemma", "gemma2", "gemma3", "phi3")


def tiny_model(
    name: str,
    *,
    attention: str | None = None,
    dtype: torch.dtype = torch.float32,
    scale: float = 0.5,
    positions: int = 64,
) -> Any:
    """A random model in evaluation mode, in the attention that transformers chooses when none is named.

    ``scale`` widens the weights so that the patterns are far from uniform.
    """
    kind, config = {**_CAUSAL, **_ENCODERS}[name]()
    if name == "gemma2" and attention is None:
        attention = "eager"  # its softcap is left out of sdpa in older releases of transformers
    config.max_position_embeddings = positions if name != "roberta" else positions + 2
    if attention is not None:
        config._attn_implementation = attention
    torch.manual_seed(7)
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.copy_(torch.randn_like(parameter) * scale * parameter.shape[-1] ** -0.5 * 2)
    return model.to(dtype)


def random_ids(rows: int, tokens: int, seed: int = 3) -> torch.Tensor:
    """Token ids without special ones: int64 [rows, tokens]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(10, VOCABULARY, (rows, tokens), generator=generator)
