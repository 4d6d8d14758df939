"""Peak memory of extraction and scoring as tokens, heads and texts grow, in MiB above what the process had before.

    python benchmarks/memory_table.py

A model with random weights, 8 layers x 8 heads, hidden size 256; each row is a process of its own (forked, so that it
starts with the same memory). ``held`` is what extraction held when it kept the patterns of a whole text.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from attndsl.models.extract import give_patterns
from attndsl.models.heads import all_heads
from attndsl.models.layout import find_layout
from attndsl.runtime.blocks import Part, first_pass
from attndsl.runtime.pattern import normalise
from attndsl.runtime.shard_writer import PlannedText, ShardWriter

LAYERS, HEADS, HIDDEN = 8, 8, 256


def peak(work: Callable[[], None]) -> float:
    """MiB that a forked process needs above its start; page cache does not count."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS")
        work()
        os.write(writer, str((status("VmHWM") - before) / 1024).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        found = file.read()
    os.waitpid(child, 0)
    return float(found)


def status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def extraction(n: int, layers: int, dtype: torch.dtype) -> None:
    """The patterns of the heads of the first layers on one text, into a shard."""
    torch.set_num_threads(1)
    config = LlamaConfig(
        vocab_size=512, hidden_size=HIDDEN, intermediate_size=2 * HIDDEN, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=HEADS, max_position_embeddings=8192,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).to(dtype).eval()
    heads = [head for head in all_heads(dict.fromkeys(range(LAYERS), HEADS)) if head[0] < layers]
    ids = np.arange(n, dtype=np.int64) % 512
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        planned = {"k": PlannedText(ids, {"text": ""})}
        with ShardWriter(Path(folder) / "x.safetensors", len(heads), planned) as writer:

            def put(place: int, pattern: torch.Tensor) -> None:
                seen.add(pattern.dtype)
                writer.put("k", place, pattern.numpy())

            give_patterns(model, ids.tolist(), heads, put, layout=find_layout(model))
    assert seen == {torch.float32}


class Made:
    """Random patterns, made when they are asked for."""

    def __init__(self, texts: int, programs: int, heads: int, n: int) -> None:
        self._texts, self._sizes, self._n = texts, (programs, heads), n

    def __len__(self) -> int:
        return self._texts

    def _patterns(self, count: int, seed: int) -> np.ndarray:
        row = np.random.default_rng(seed).random((self._n, self._n), np.float32)
        return np.repeat(normalise(row, causal=True)[None], count, axis=0)

    def heads(self, sentence: int) -> np.ndarray:
        return self._patterns(self._sizes[1], sentence)

    def programs(self, sentence: int, ids: np.ndarray) -> np.ndarray:
        return self._patterns(len(ids), sentence + 1000)


def scoring(texts: int, programs: int, heads: int, n: int) -> None:
    split = Made(texts, programs, heads, n)
    first_pass(Part(split, 0, texts), programs, heads, causal=True, precision="float64")


def main() -> None:
    print("extraction\n   n  heads  dtype     peak MiB  held, of all heads")
    for n, layers, dtype in (
        (512, 8, torch.float32), (1024, 8, torch.float32), (2048, 8, torch.float32), (2048, 4, torch.float32),
        (2048, 1, torch.float32), (2048, 8, torch.bfloat16), (3072, 8, torch.float32),
    ):  # fmt: skip
        found = peak(lambda n=n, layers=layers, dtype=dtype: extraction(n, layers, dtype))
        whole = 4 * LAYERS * HEADS * n * n / 2**20
        print(f"{n:5d} {layers * HEADS:5d}  {str(dtype)[6:]:9s} {found:8.0f} {whole:9.0f}", flush=True)
    print("scoring\ntexts programs heads    n  peak MiB")
    for size in (
        (4, 64, 32, 64), (16, 64, 32, 64), (64, 64, 32, 64), (4, 256, 32, 64), (4, 64, 128, 64), (4, 64, 32, 128),
        (2, 64, 32, 256),
    ):  # fmt: skip
        print("{:5d} {:8d} {:5d} {:4d}".format(*size), f"{peak(lambda size=size: scoring(*size)):9.0f}", flush=True)


if __name__ == "__main__":
    main()
