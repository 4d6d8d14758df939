"""The kinds of units and who does them: the leading process itself, a worker on this machine, or one of a cluster.

To add one: a function ``(run, unit) -> outputs`` that writes its outputs through ``run.folder``, and a line in
``KINDS``. It may use the model, the programs and what is in ``unit.args``; of the texts it knows only those in there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attndsl.job.blocks import measure_unit, rescore_unit, score_unit
from attndsl.job.patterns import make_shard
from attndsl.store.folder import Written
from attndsl.store.units import Unit

if TYPE_CHECKING:
    from attndsl.job.run import Run


def extract_unit(run: Run, unit: Unit) -> Sequence[Written]:
    """Patterns of a few texts."""
    return make_shard(run.folder, run.loaded, run.heads, unit)


def replace_unit(run: Run, unit: Unit) -> Sequence[Written]:
    """Losses with some heads replaced."""
    from attndsl.job.replacement import measure_step

    return measure_step(run, unit)


KINDS: dict[str, Callable[[Run, Unit], Sequence[Written]]] = {
    "extract": extract_unit,
    "score": score_unit,
    "rescore": rescore_unit,
    "measure": measure_unit,
    "replace": replace_unit,
}


def do(run: Run, unit: Unit) -> Sequence[Written]:
    """Do a unit of any kind."""
    return KINDS[unit.kind](run, unit)
