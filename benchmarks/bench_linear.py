"""Linear forms against attention: time of one head, error against float64, and the whole model.

    python benchmarks/bench_linear.py heads            # each class of program against SDPA and the dense kernel
    python benchmarks/bench_linear.py model [TOKENS] [ROUNDS] [LAYERS]   # SmolLM2 with heads and layers replaced

CPU time, one thread, interleaved; medians. "dense" is the product with a pattern that is there already; "once/text"
is what a text costs the linear form before any head uses it.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import attndsl
from attndsl.compiler import Leaves, compile_library, machine
from attndsl.compiler.structure import linear_form
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.parser import parse_program
from attndsl.runtime.linear import LinearProgram, TextForm
from attndsl.runtime.surrogates import Surrogates
from attndsl.runtime.tokenize import token_table_of_ids

WIDTH = 64
LONG = 1000  # milliseconds: progress is shown from here on
DENSE_TOKENS = 2048  # up to here errors are against every cell in float64, beyond against the form in float64
RULES = {
    "broadcast": "add 1 to first",
    "shift": "add 1 to q - 1",
    "gather": "add 1 to last(k before q where k.is_punct)\nadd 0.2 to first",
    "prefix": "share 1 over each k",
    "column weights": "share 1 over each k where k.is_punct or k == first",
    "decay": "share 1 over each k by 0.9 ** (q - k)",
    "window": "share 1 over each k from q - 8 upto q",
    "same text": "share 1 over each k upto q where k.text.lower() == q.text.lower()",
    "sentence": "share 1 over each k upto q where k.sentence == q.sentence",
    "induction": "share 1 over each k upto q where (k - 1).text.lower() == q.text.lower()\nadd 0.2 to first",
    "distance": "add 1 / (1 + q - k) to each k",
    "mixture": "add 0.4 to first\nshare 0.3 over each k before q where k.text == q.text\n"
    "share 0.3 over each k by 0.85 ** (q - k)",
}


def text_ids(tokenizer: Any, n: int) -> list[int]:
    text = " ".join(Path(attndsl.__file__).parents[0].parent.joinpath("README.md").read_text().split())
    ids: list[int] = tokenizer(text)["input_ids"]
    while len(ids) < n:
        ids = ids + ids
    return ids[:n]


def medians(jobs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median CPU milliseconds of each job, interleaved; the first round does not count."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds + 1):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            taken[name].append(1e3 * (time.process_time() - start))
            if taken[name][-1] > LONG:
                print(f"  {name}: {taken[name][-1]:.0f} ms", file=sys.stderr, flush=True)
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def heads() -> None:
    tokenizer = attndsl.load_model("smollm2-135m").tokenizer
    columns = ("sdpa ms", "dense ms", "linear ms", "once/text", "sdpa/lin", "dense/lin", "error")
    print(f"{'n':>5} {'class':15}" + "".join(f"{name:>11}" for name in columns))
    for n in (512, 2048, 8192):
        leaves = Leaves(token_table_of_ids(text_ids(tokenizer, n), tokenizer, parse=None), {})
        for name, rules in RULES.items():
            found, error = one_head(check(parse_program(f'head "t" causal\n{rules}\nnormalize rows\n')), leaves)
            numbers = [found["sdpa"], found["dense"], found["linear"], found["once"]]
            numbers += [found["sdpa"] / found["linear"], found["dense"] / found["linear"]]
            print(f"{n:5} {name:15}" + "".join(f"{x:11.2f}" for x in numbers) + f"{error:11.1e}", flush=True)


def one_head(typed: TypedProgram, leaves: Leaves) -> tuple[dict[str, float], float]:
    """Milliseconds by way, and the largest error of a row relative to the row's largest value."""
    n = leaves.tokens
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, 1, n, WIDTH, generator=generator) + (i == 2) * 0.5 for i in range(3))
    form = linear_form(typed)
    assert not isinstance(form, str), form
    program = LinearProgram(form)
    made = program.on(leaves)
    assert isinstance(made, TextForm), made
    exact = dense_pattern(typed, leaves) if n <= DENSE_TOKENS else made.apply(torch.eye(n, dtype=torch.float64))
    pattern, values = exact.float(), v[0, 0]
    found = medians(
        {
            "sdpa": lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True),
            "dense": lambda: pattern @ values,
            "linear": lambda: made.apply(values),
            "once": lambda: program.on(leaves),
        },
        3 if n > DENSE_TOKENS else 9,
    )
    wanted = exact @ values.double()
    return found, float(((made.apply(values) - wanted).abs().amax(1) / wanted.abs().amax(1)).max())


def dense_pattern(typed: TypedProgram, leaves: Leaves) -> torch.Tensor:
    """Every cell in float64 by the array machine: rows are normalised by the program itself."""
    (found,) = machine(compile_library([typed]), "numpy").run(leaves)
    return torch.from_numpy(np.ascontiguousarray(found))


def model(n: int, rounds: int, layers: int) -> None:
    """The base model, without the projection to the vocabulary; its first ``layers`` layers only."""
    from attndsl.models.inject import inject
    from attndsl.models.layout import find_layout

    loaded = attndsl.load_model("smollm2-135m")
    network, tokenizer = loaded.model.model, loaded.tokenizer
    loaded.model.set_attn_implementation("sdpa")  # models are loaded in eager attention, which needs every pattern
    del network.layers[layers:]
    layout = find_layout(network)
    ids = torch.tensor([text_ids(tokenizer, n)])
    library = attndsl.builtin_library()
    names = [
        "first token, previous, decay", "first token, copies, previous", "first token, first the, first punctuation",
        "first token, induction, decay",
    ]  # fmt: skip
    programs = [library[name] for name in names]
    every = [(layer, head) for layer in range(layers) for head in range(9)]
    picked = torch.randperm(len(every), generator=torch.Generator().manual_seed(1))[: round(len(every) / 4)].tolist()
    quarter = [every[i] for i in sorted(picked)]
    whole = [(layer, head) for layer in range(0, layers, 4) for head in range(9)]

    def passing(heads: list[tuple[int, int]], linear: bool) -> Callable[[], Any]:
        provider = Surrogates([programs[i % 4] for i in range(len(heads))], True, tokenizer, linear=linear)

        def run() -> None:
            with torch.no_grad(), inject(network, heads, provider, layout=layout):
                network(ids, use_cache=False)

        return run

    def plain() -> None:
        with torch.no_grad():
            network(ids, use_cache=False)

    jobs = {
        "plain sdpa": plain,
        "25% of heads, linear": passing(quarter, True),
        f"{len(whole) // 9} of {layers} layers whole, linear": passing(whole, True),
        "all layers, linear": passing(every, True),
    }
    if n <= 1024:  # beyond, the patterns of a quarter of the heads fill the memory of a small machine
        jobs["25% of heads, dense"] = passing(quarter, False)
    found = medians(jobs, rounds)
    for name, taken in found.items():
        print(f"n={n} {name:26} {taken:9.0f} ms  {taken / found['plain sdpa']:.3f} of plain", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["model"]:
        given = [int(x) for x in sys.argv[2:]]
        model(*(given + [2048, 2, 30][len(given) :]))
    else:
        heads()
