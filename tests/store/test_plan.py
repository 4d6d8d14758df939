"""The planner: its formulas, its cluster with failures, and that it knows a finished run."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from test_faults import whole  # noqa: F401 - a fixture

from attndsl.cli.main import run
from attndsl.job.calibrate import sizes_of
from attndsl.store.plan import (
    SHAPES,
    Cluster,
    Rates,
    Sizes,
    Stage,
    blocks_of,
    forward,
    plan,
    rates_of_run,
    simulate,
    stages_of,
)
from attndsl.store.status import status

RATES = Rates(1e-11, 1e-9, 1e-9, 1e-10, unit=0.0, load=0.0, written=0.0, start=10.0)
SIZES = Sizes(SHAPES["gpt2"], programs=500, train=1000, heldout=100, tokens=128)


def seconds(sizes: Sizes) -> dict[str, float]:
    return {stage.kind: stage.cpu_seconds for stage in stages_of(sizes, RATES)}


def test_a_forward_pass_by_hand() -> None:
    shape = SHAPES["gpt2"]
    assert forward(shape, 100, RATES) == pytest.approx(1e-11 * 124e6 * 100 + 1e-9 * 144 * 100 * 100)


def test_costs_grow_with_what_they_depend_on() -> None:
    base, more = seconds(SIZES), seconds(replace(SIZES, train=2000))
    assert more["score"] == pytest.approx(2 * base["score"])
    assert more["replace"] == base["replace"]
    assert seconds(replace(SIZES, heldout=200))["replace"] == pytest.approx(2 * base["replace"])
    streamed = seconds(replace(SIZES, stored=False))
    assert "extract" not in streamed
    assert streamed["score"] == pytest.approx(base["score"] + 1000 * forward(SIZES.shape, 128, RATES))


def test_blocks_are_those_of_runs() -> None:
    assert [blocks_of(n) for n in (1, 4, 5, 1024, 1025, 1_000_000)] == [1, 1, 2, 256, 205, 256]


def test_failures_cost_the_work_of_the_units_that_were_lost() -> None:
    stage = Stage("score", 1000, 1000 * 3600.0)
    calm = simulate(stage, Cluster(nodes=100, cpus=1), 10.0)
    assert calm == pytest.approx(10 * 3600)
    rough = [simulate(stage, Cluster(nodes=100, cpus=1, mtbf=20.0), 10.0, seed) for seed in range(5)]
    # a unit of an hour is lost with probability 1/20, half done: about 2.5% more work, and a last unit that waits
    assert all(calm < found < 1.3 * calm for found in rough)
    with pytest.raises(ValueError, match="far longer"):
        simulate(stage, Cluster(nodes=2, cpus=1, mtbf=0.01), 10.0)


def test_an_accelerator_is_for_forward_passes_alone_also_where_scoring_makes_them() -> None:
    stage = Stage("score", 10, cpu_seconds=100.0, passes=60.0)
    assert simulate(stage, Cluster(cpus=4), 0.0) == pytest.approx(25)
    assert simulate(stage, Cluster(cpus=4, speedup=60.0), 0.0) == pytest.approx(1 + 10)
    streamed = {stage.kind: stage for stage in stages_of(replace(SIZES, stored=False), RATES)}
    one = forward(SIZES.shape, 128, RATES)
    assert streamed["score"].passes == pytest.approx(1000 * one)
    assert streamed["measure"].passes == pytest.approx(100 * one * 5)  # whole, and at 16, 32, 64 and 128 tokens
    stored = {stage.kind: stage for stage in stages_of(SIZES, RATES)}
    assert stored["score"].passes == 0
    assert stored["extract"].passes == pytest.approx(1100 * one)


def test_more_nodes_are_sooner_until_there_are_more_nodes_than_units() -> None:
    hours = [plan(SIZES, RATES, Cluster(nodes=n, price=2.0)).hours for n in (1, 10, 100, 1000, 10_000)]
    assert hours[0] > hours[1] > hours[2] > hours[3] == hours[4]
    found = plan(replace(SIZES, requests=3, dollars=0.01), RATES, Cluster(nodes=10, price=2.0))
    assert found.dollars == pytest.approx(found.node_hours * 2 + 144 * 3 * 0.01)
    assert found.bytes["patterns"] == 1100 * 4 * 144 * 128 * 128


def test_the_rates_of_a_finished_run_give_that_run(whole: Path) -> None:  # noqa: F811
    sizes = sizes_of(whole / "run")
    assert (sizes.shape.all_heads, sizes.programs, sizes.train, sizes.heldout, sizes.steps) == (12, 2, 2, 2, 6)
    took = {name: kind.cpu_seconds for name, kind in status(whole / "run").kinds.items()}
    took["score"] = 3.0
    rates = rates_of_run(sizes, took, RATES)
    planned = {stage.kind: stage.cpu_seconds for stage in stages_of(sizes, rates)}
    assert planned["score"] == pytest.approx(3.0)
    assert planned["extract"] == pytest.approx(took["extract"])


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    large = ["plan", "llama-70b", "--train", "1000000", "--no-keep-patterns", "--nodes", "100", "--cpus", "16"]
    assert run([*large, "--mtbf", "1000", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [stage["kind"] for stage in found["stages"]] == ["score", "measure", "replace"]
    assert found["bytes"]["patterns"] == 0
    assert found["memory"] > 70e9 * 4
    assert 0 < found["hours"] < math.inf
    assert run(["plan", "llama-7b"]) == 2
    assert run(["plan", "--layers", "3"]) == 2
