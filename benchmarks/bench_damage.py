"""SmolLM2: what replaced heads cost, in which order, and which score foretells it.

    python benchmarks/bench_damage.py [TOKENS] [TRAIN TEXTS] [HELD-OUT TEXTS] [STRIDE]

Every STRIDE-th head takes part, and shares are shares of those. Programs are chosen, and heads ordered, on train texts;
perplexity is measured on held-out ones. Prints the curves of several orders with controls, and rank correlations of
marginal damage with IoU, lift and output-weighted distance.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch

import attndsl
from attndsl.job.damage import marginal_damage, rank_interval
from attndsl.job.replacement import increase, provider_of
from attndsl.models.corpus import load_corpus
from attndsl.models.extract import patterns_of
from attndsl.models.inject import inject
from attndsl.models.output_distance import output_distances
from attndsl.models.perplexity import losses
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.tokenize import token_table_of_ids

STEPS = (0.05, 0.10, 0.25, 0.40, 0.50)
TRIVIAL = ("first token", "previous token", "self", "uniform")


def cut(texts: list[str], tokenizer: Any, n: int, count: int) -> list[str]:
    rows = [tokenizer(text)["input_ids"] for text in texts]
    return [tokenizer.decode(ids[:n]) for ids in rows if len(ids) >= n][:count]


def score_texts(loaded: Any, heads: list[Any], programs: list[Any], texts: list[str]) -> tuple[Any, Any]:
    """IoU and output-weighted distance, both [heads, programs], means over texts."""
    kernel = LibraryKernel(programs, True)
    ious, far = 0.0, 0.0
    for text in texts:
        ids = loaded.tokenizer(text)["input_ids"]
        predicted = kernel.predict(token_table_of_ids(ids, loaded.tokenizer))
        assert not predicted.errors, predicted.errors
        made = torch.from_numpy(predicted.patterns)
        own = patterns_of(loaded.model, ids, heads, layout=loaded.layout)
        apart = torch.cdist(own.flatten(1), made.flatten(1), p=1.0).double()
        mass = 2.0 * len(ids)  # both patterns have rows that sum to one
        ious = ious + (mass - apart) / (mass + apart)
        far = far + output_distances(loaded.model, ids, heads, made, layout=loaded.layout).double()
    return (ious / len(texts)).numpy(), (far / len(texts)).numpy()


def main(n: int, train_count: int, held_count: int, stride: int) -> None:
    loaded = attndsl.load_model("smollm2-135m")
    library = attndsl.builtin_library()
    programs = [p for p in library.values() if p.causal and not any("word." in read for read in p.reads)]
    corpus = load_corpus("stories")
    train = cut([t.text for t in corpus if t.split == "train"], loaded.tokenizer, n, train_count)
    held = cut([t.text for t in corpus if t.split == "heldout"], loaded.tokenizer, n, held_count)
    heads = [(layer, head) for layer, count in loaded.layout.heads_per_layer.items() for head in range(count)][::stride]
    print(f"{len(heads)} heads, {len(programs)} programs, n={n}, {len(train)} train and {len(held)} held-out texts")
    iou, far = score_texts(loaded, heads, programs, train)
    names = [p.name for p in programs]
    trivial = iou[:, [names.index(name) for name in TRIVIAL if name in names]].max(axis=1)
    by_iou = dict(zip(heads, (programs[i] for i in iou.argmax(1)), strict=True))
    by_far = dict(zip(heads, (programs[i] for i in far.argmin(1)), strict=True))
    rows = np.arange(len(heads))
    scores = {
        "IoU": iou.max(1),
        "lift": iou.max(1) - trivial,
        "- output-weighted distance": -far[rows, iou.argmax(1)],
    }
    damage = marginal_damage(loaded, train, by_iou)
    low, mean, _ = damage.intervals().T
    sure = int((low > 0).sum())
    worst = f"median {np.median(mean):.4f}, largest {mean.max():.3f}"
    print(f"marginal damage, nats per token: {worst}; above 0 with 95%: {sure} of {len(heads)}", flush=True)
    for name, score in scores.items():
        a, point, b = rank_interval(damage.nats, score)
        print(f"Spearman of damage with {name:27}: {point:+.2f} [{a:+.2f}, {b:+.2f}]", flush=True)
    curves(loaded, heads, held, by_iou, by_far, damage, scores, far, library, programs)


def curves(
    loaded: Any, heads: Any, held: Any, by_iou: Any, by_far: Any, damage: Any, scores: Any, far: Any, library: Any,
    programs: Any,
) -> None:  # fmt: skip
    best_first = [heads[i] for i in np.argsort(-scores["IoU"], kind="stable")]
    near_first = [heads[i] for i in np.argsort(far.min(1), kind="stable")]
    rng = np.random.default_rng(0)
    randoms = {h: programs[i] for h, i in zip(heads, rng.integers(0, len(programs), len(heads)), strict=True)}
    ways: dict[str, tuple[list[Any], Any]] = {
        "IoU order": (best_first, by_iou),
        "damage order": (damage.order(), by_iou),
        "random order 1": ([heads[i] for i in rng.permutation(len(heads))], by_iou),
        "random order 2": ([heads[i] for i in rng.permutation(len(heads))], by_iou),
        "distance order and choice": (near_first, by_far),
        "damage order, distance choice": (damage.order(), by_far),
        "IoU order, random programs": (best_first, randoms),
        "IoU order, uniform": (best_first, dict.fromkeys(heads, library["uniform"])),
        "IoU order, first token": (best_first, dict.fromkeys(heads, library["first token"])),
    }
    base = losses(loaded.model, loaded.tokenizer, held)
    plain = {"nll": base.nll.tolist(), "tokens": base.tokens.tolist()}
    print(f"perplexity unmodified {base.perplexity:.2f}; increase in % [95% over texts]")
    print(f"{'':30}" + "".join(f"{share:>24.0%}" for share in STEPS))
    for name, (order, chosen) in ways.items():
        cells = []
        for share in STEPS:
            some = order[: round(share * len(order))]
            provider = provider_of([chosen[head] for head in some], True, loaded.tokenizer)
            with inject(loaded.model, some, provider, layout=loaded.layout):
                found = losses(loaded.model, loaded.tokenizer, held)
            step = increase(plain, {"nll": found.nll.tolist(), "tokens": found.tokens.tolist()}, 0)
            cells.append(f"{step['increase_percent']:.1f} [{step['low']:.1f}, {step['high']:.1f}]")
        print(f"{name:30}" + "".join(f"{cell:>24}" for cell in cells), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    given = [int(x) for x in sys.argv[1:]]
    main(*(given + [96, 3, 8, 1][len(given) :]))
