"""Write a tiny GPT-2 with random weights and a tokenizer into a folder: something to try every command on, offline.

python examples/tiny_model.py tiny-model
"""

import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from attndsl.models.corpus import load_corpus
from attndsl.models.quiet import quiet_transformers


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE, as GPT-2 has it, trained on the bundled stories."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=["<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text.text for text in load_corpus("stories")], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<eos>")


def main(folder: str) -> None:
    """Two layers of two heads; the weights are wide enough for patterns that are not uniform."""
    tokenizer = make_tokenizer()
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=32,
        n_layer=2,
        n_head=2,
        n_positions=128,
        initializer_range=0.3,
        bos_token_id=0,
        eos_token_id=0,
    )
    with quiet_transformers():
        GPT2LMHeadModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    print(f"wrote a GPT-2 with {config.n_layer} x {config.n_head} heads and random weights to {folder}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "tiny-model")
