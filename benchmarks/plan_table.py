"""What large studies would take: one table for several models, from one measurement of this machine's rates.

    python benchmarks/plan_table.py [--train 1000000] [--programs 1000] [--tokens 128] [--mtbf 500]

Without stored patterns; nodes of 16 CPUs, with a GPU that replaces 500 CPUs in forward passes, or without; a node fails
every ``mtbf`` hours on average. The formulas are in docs/runs.md.
"""

from __future__ import annotations

import argparse

from attndsl.cli.runs import size
from attndsl.job.calibrate import measured_rates
from attndsl.store.plan import SHAPES, Cluster, Sizes, plan

MODELS = ("tinyllama", "llama-3b", "llama-70b")
GPU = 500.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=int, default=1_000_000)
    parser.add_argument("--heldout", type=int, default=1000)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--mtbf", type=float, default=500.0)
    parser.add_argument("--price", type=float, nargs=2, default=(0.7, 3.0), help="a node and hour: without, with GPU")
    given = parser.parse_args()
    rates = measured_rates(given.tokens)
    print("model       nodes   GPU  CPU hours  of passes     hours  failing     memory       sums       dollars")
    for model in MODELS:
        sizes = Sizes(SHAPES[model], given.programs, given.train, given.heldout, given.tokens, stored=False)
        for nodes, speedup in ((1, 1.0), (100, 1.0), (1, GPU), (100, GPU)):
            price = given.price[speedup > 1]
            steady = plan(sizes, rates, Cluster(nodes, 16, speedup, price))
            failing = plan(sizes, rates, Cluster(nodes, 16, speedup, price, given.mtbf))
            passes = sum(stage.passes for stage in steady.stages) / 3600
            print(
                f"{model:<11} {nodes:5d}  {'yes' if speedup > 1 else 'no':>4}  {steady.cpu_seconds / 3600:9,.0f}  "
                f"{passes:9,.0f}  {steady.hours:8.1f} {failing.hours:8.1f}  {size(steady.memory):>9}  "
                f"{size(steady.bytes['sums']):>9}  {failing.dollars:12,.0f}"
            )


if __name__ == "__main__":
    main()
