"""What a run will take: time, memory, storage and money, from its sizes and rates of one machine.

    sizes = Sizes(SHAPES["llama-3b"], programs=1000, train=1_000_000, heldout=1000, tokens=128)
    plan(sizes, rates, Cluster(nodes=100, cpus=16))

The formulas are in docs/runs.md. Rates come from a short measurement, or from the ledger of a finished run.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from attndsl.job.blocks import LEAST, MOST_BLOCKS
from attndsl.job.settings import LENGTHS

BASELINES = 310
"""Trivial patterns that every head is compared with: mixtures, single ones and random draws."""
SHARD_BYTES = 32 * 2**20
PROCESS_BYTES = 600 << 20
"""Python, torch and the compiled kernels, before a model is loaded."""


@dataclass(frozen=True)
class Shape:
    """A model: ``parameters`` of all layers with attention, without the tables of the vocabulary's input side."""

    layers: int
    heads: int
    hidden: int
    parameters: int

    @property
    def all_heads(self) -> int:
        return self.layers * self.heads


SHAPES = {
    "gpt2": Shape(12, 12, 768, 124_000_000),
    "smollm2-135m": Shape(30, 9, 576, 134_500_000),
    "tinyllama": Shape(22, 32, 2048, 1_100_000_000),
    "llama-3b": Shape(28, 24, 3072, 3_200_000_000),
    "llama-70b": Shape(80, 64, 8192, 70_600_000_000),
}


def shape_of(layers: int, heads: int, hidden: int) -> Shape:
    """A decoder of usual proportions: 12 hidden² parameters a layer."""
    return Shape(layers, heads, hidden, 12 * layers * hidden * hidden)


@dataclass(frozen=True)
class Sizes:
    """What is asked for. ``steps``: different shares of replaced heads, the unmodified model included; ``requests``
    to a language model per head, and their ``dollars`` each. ``stored``: patterns are kept."""

    shape: Shape
    programs: int
    train: int
    heldout: int
    tokens: int
    steps: int = 7
    requests: int = 0
    dollars: float = 0.0
    stored: bool = True


@dataclass(frozen=True)
class Rates:
    """Processor seconds of one machine: per ``multiply``-add and attention ``weight`` of a forward pass, per weight
    that a program fills in (``evaluation``), per ``pair`` of weights compared, per weight of a head that is compared
    with baselines (``choosing``) and reported on (``reporting``), per ``unit`` of bookkeeping, and per byte
    ``written``; ``load``: of the kernels, once. ``start``: seconds until a worker is ready."""

    multiply: float
    weight: float
    evaluation: float
    pair: float
    choosing: float = 0.0
    reporting: float = 0.0
    unit: float = 0.05
    load: float = 1.2
    written: float = 1e-9
    start: float = 15.0


@dataclass(frozen=True)
class Cluster:
    """``nodes`` of ``cpus`` each; ``speedup`` of a node's accelerator over one CPU for forward passes (1: none);
    ``price`` of a node and hour; ``mtbf``: hours between two failures of a node."""

    nodes: int = 1
    cpus: int = 2
    speedup: float = 1.0
    price: float = 0.0
    mtbf: float = math.inf


@dataclass(frozen=True)
class Stage:
    """Units of one kind, and the processor seconds of all of them; ``passes``: those of forward passes among them."""

    kind: str
    units: int
    cpu_seconds: float
    passes: float = 0.0


@dataclass(frozen=True)
class Plan:
    """``hours`` of waiting, ``node_hours``, ``bytes`` on disk by kind, ``memory`` of a worker in bytes, ``dollars``."""

    stages: tuple[Stage, ...]
    hours: float
    node_hours: float
    bytes: Mapping[str, int]
    memory: int
    dollars: float

    @property
    def cpu_seconds(self) -> float:
        return sum(stage.cpu_seconds for stage in self.stages)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "cpu_seconds": self.cpu_seconds}


def forward(shape: Shape, tokens: int, rates: Rates) -> float:
    """Processor seconds of a forward pass over one text."""
    return rates.multiply * shape.parameters * tokens + rates.weight * shape.all_heads * tokens * tokens


def stages_of(sizes: Sizes, rates: Rates) -> tuple[Stage, ...]:
    """Units and processor seconds by kind."""
    n, shape, heads = sizes.tokens, sizes.shape, sizes.shape.all_heads
    one = forward(shape, n, rates)
    matrix = 4 * heads * n * n
    texts = sizes.train + sizes.heldout
    weights = n * (n + 1) / 2
    comparing = rates.pair * sizes.programs * heads * weights + rates.choosing * heads * n * n
    again = 0.0 if sizes.stored else one
    chosen = min(heads, sizes.programs)
    lengths = [length for length in LENGTHS if length <= n]
    views = 1 + len(lengths)
    measuring = sum(
        rates.evaluation * chosen * k * k + rates.reporting * heads * k * k + again
        for k in (n, *lengths)
    )  # fmt: skip
    shards = math.ceil(texts / max(1, min(64, math.ceil(SHARD_BYTES / matrix))))
    blocks, held = blocks_of(sizes.train), blocks_of(sizes.heldout)
    repeated = sizes.steps * sizes.heldout * one
    plan = [
        Stage("extract", shards, texts * (one + rates.written * matrix), texts * one) if sizes.stored else None,
        Stage(
            "score",
            blocks,
            rates.load + sizes.train * (rates.evaluation * sizes.programs * n * n + comparing + again),
            sizes.train * again,
        ),
        Stage("measure", held * views, sizes.heldout * measuring, sizes.heldout * views * again),
        Stage("replace", sizes.steps, repeated, repeated),
    ]
    found = [stage for stage in plan if stage is not None]
    return tuple(replace(stage, cpu_seconds=stage.cpu_seconds + rates.unit * stage.units) for stage in found)


def blocks_of(texts: int) -> int:
    """Blocks that so many texts are divided into."""
    return math.ceil(texts / max(LEAST, math.ceil(texts / MOST_BLOCKS)))


def plan(sizes: Sizes, rates: Rates, cluster: Cluster, seed: int = 0) -> Plan:
    """What the run takes on the cluster; failures are drawn with ``seed``."""
    heads, n = sizes.shape.all_heads, sizes.tokens
    stages = stages_of(sizes, rates)
    hours = sum(simulate(stage, cluster, rates.start, seed) for stage in stages) / 3600
    hours += rates.start / 3600
    matrix = 4 * heads * n * n
    sums = blocks_of(sizes.train) * 8 * heads * (sizes.programs + BASELINES)
    kept = {"patterns": (sizes.train + sizes.heldout) * matrix if sizes.stored else 0, "sums": sums}
    kept["figures"] = 8 * 13 * heads * sizes.heldout
    node_hours = hours * cluster.nodes
    dollars = node_hours * cluster.price + sizes.requests * heads * sizes.dollars
    return Plan(stages, hours, node_hours, kept, memory_of(sizes), dollars)


def memory_of(sizes: Sizes) -> int:
    """Bytes of a worker at the most: the model in float32 and the patterns of one text, of heads and of programs."""
    n, heads = sizes.tokens, sizes.shape.all_heads
    patterns = 4 * n * n * (sizes.programs + 2 * heads + BASELINES)
    sums = 8 * 3 * heads * (sizes.programs + BASELINES)
    layer = 4 * 4 * sizes.shape.heads * n * n
    return PROCESS_BYTES + 4 * sizes.shape.parameters + max(patterns + sums, layer)


def simulate(stage: Stage, cluster: Cluster, start: float, seed: int = 0) -> float:
    """Seconds until all units of a stage are done by the cluster's nodes, when nodes fail now and then.

    A node does one unit with all its CPUs, and the forward passes in it with its accelerator; the unit of a node that
    fails is done again by the next free one, and the node is back after ``start`` seconds."""
    passes = stage.passes / max(float(cluster.cpus), cluster.speedup)
    each = (passes + (stage.cpu_seconds - stage.passes) / cluster.cpus) / max(1, stage.units)
    draw = random.Random(seed)
    free = [(0.0, node) for node in range(cluster.nodes)]
    fails = [_next_failure(draw, 0.0, cluster) for _ in free]
    left, last = stage.units, 0.0
    while left:
        at, node = heapq.heappop(free)
        if each >= cluster.mtbf * 3600 * 20:
            raise ValueError("units are far longer than the time between two failures")
        if fails[node] < at + each:
            back = max(at, fails[node]) + start
            fails[node] = _next_failure(draw, back, cluster)
            heapq.heappush(free, (back, node))
            continue
        left -= 1
        last = max(last, at + each)
        heapq.heappush(free, (at + each, node))
    return last


def _next_failure(draw: random.Random, now: float, cluster: Cluster) -> float:
    return math.inf if math.isinf(cluster.mtbf) else now + draw.expovariate(1 / (cluster.mtbf * 3600))


def rates_of_run(sizes: Sizes, cpu_seconds: Mapping[str, float], rates: Rates) -> Rates:
    """Rates scaled so that the stages of a finished run of these sizes come out as its ledger says."""
    fixed = {stage.kind: rates.unit * stage.units for stage in stages_of(sizes, rates)}
    fixed["score"] += rates.load
    expected = {stage.kind: stage.cpu_seconds - fixed[stage.kind] for stage in stages_of(sizes, rates)}
    taken = {kind: max(0.0, cpu_seconds.get(kind, 0.0) - fixed[kind]) for kind in expected}
    ratio = {kind: taken[kind] / expected[kind] for kind in expected if taken[kind]}
    passes = ratio.get("extract", ratio.get("replace", 1.0))
    scores = ratio.get("score", 1.0)
    return replace(
        rates, multiply=rates.multiply * passes, weight=rates.weight * passes, pair=rates.pair * scores,
        evaluation=rates.evaluation * scores, choosing=rates.choosing * scores,
        reporting=rates.reporting * ratio.get("measure", scores),
    )  # fmt: skip
