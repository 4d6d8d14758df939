"""Every attack of the tests, one after the other with the default limits: its outcome class, and how long it took.

    python benchmarks/attack_outcomes.py [--list]

``--list`` prints a line per attack. Exit status 1 when one reached its goal.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "runtime"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from sandbox_cases import load, run_rows

from attndsl.runtime.sandbox import SandboxPool


def main() -> int:
    won = 0
    for corpus in ("attacks-dev.jsonl", "attacks-more.jsonl"):
        found: list[tuple[float, str, str]] = []
        with SandboxPool(workers=1) as pool:
            for row in load(corpus):
                started = time.perf_counter()
                outcomes = run_rows(pool, [row])
                found.append((time.perf_counter() - started, row["id"], outcomes[row["id"]]))
                if "--list" in sys.argv:
                    print(f"{row['id']:20} {outcomes[row['id']]:10} {found[-1][0]:.2f} s")
            alive, starts = pool.alive(), pool.starts
        counts = Counter(outcome for _, _, outcome in found)
        won += counts["WON"]
        slowest = max(found)
        print(
            f"{corpus}: {len(found)} attacks, {dict(counts.most_common())}, goals reached {counts['WON']}, slowest "
            f"{slowest[0]:.2f} s ({slowest[1]}), zygote alive {alive}, starts {starts}"
        )
    return int(won > 0)


if __name__ == "__main__":
    sys.exit(main())
