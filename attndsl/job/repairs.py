"""Stage: a scale and a bias for each replaced head, fitted on the train texts; kept in the folder of the run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attndsl.job.run import Run
from attndsl.runtime.program import Program
from attndsl.runtime.surrogates import Surrogates

if TYPE_CHECKING:
    from attndsl.models.repair import Repair

Head = tuple[int, int]


def repair_stage(run: Run, heads: Sequence[Head], programs: Mapping[Head, Program]) -> dict[Head, Repair]:
    """The repair of each of ``heads``, also written to ``repair.json``; fitted once."""
    from attndsl.models.repair import Repair

    key = run.key("repair", [(head, programs[head].name) for head in heads])
    known = run.stages.load("repair", key)
    if known is None:
        known = _fitted(run, heads, programs)
        run.stages.save("repair", key, known)
    named = {f"L{layer}H{head}": {"scale": scale, "bias": bias} for (layer, head), scale, bias in known}
    run.folder.put("repair.json", (json.dumps(named, indent=1) + "\n").encode())
    return {(layer, head): Repair(scale, tuple(bias)) for (layer, head), scale, bias in known}


def _fitted(run: Run, heads: Sequence[Head], programs: Mapping[Head, Program]) -> list[Any]:
    from attndsl.models.encode import encode
    from attndsl.models.repair_fit import fit_repairs

    loaded, texts = run.loaded, run.texts("train")
    provider = Surrogates([programs[head] for head in heads], True, loaded.tokenizer, **run._backend())
    ids = [encode(text.text, loaded.tokenizer) for text in texts]
    with run.progress.bar("fitting repairs", len(ids)) as advance:
        found = fit_repairs(
            loaded.model, heads, provider, ids, layout=loaded.layout, outside_window="renormalize",
            progress=lambda done: advance(done, len(ids)),
        )  # fmt: skip
    return [[list(head), repair.scale, list(repair.bias)] for head, repair in found.items()]
