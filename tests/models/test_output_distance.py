"""The output-weighted distance against what it says it is: the change of what a head writes, computed in full."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from replaced import first_token, uniform
from tiny import random_ids, tiny_model

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.extract import patterns_of
from attndsl.models.inject import inject
from attndsl.models.layout import find_layout
from attndsl.models.output_distance import output_distances

pytestmark = pytest.mark.integration
EXACT = 1e-4  # float32, with a square root of the weights in float64


def written(model: Any, module: Any, run: Any) -> torch.Tensor:
    """What the attention of one layer adds to the residual stream."""
    seen: list[torch.Tensor] = []
    hook = module.register_forward_hook(lambda m, args, out: seen.append(out.detach()))
    try:
        run()
    finally:
        hook.remove()
    return seen[-1]


@pytest.mark.parametrize(
    ("name", "projection"),
    [
        ("llama", lambda m: m.model.layers[0].self_attn.o_proj),
        ("gpt2", lambda m: m.transformer.h[0].attn.c_proj),
        ("gpt_neox", lambda m: m.gpt_neox.layers[0].attention.dense),
    ],
)
def test_it_is_the_change_of_what_the_head_writes(name: str, projection: Any) -> None:
    model = tiny_model(name)
    layout = find_layout(model)
    ids = random_ids(1, 9)
    heads = [(0, 1), (0, 3)]
    tried = [uniform(range(9)), first_token(range(9))]
    patterns = torch.stack([torch.from_numpy(pattern) for pattern in tried])
    found = output_distances(model, ids[0].tolist(), heads, patterns, layout=layout)

    def run() -> None:
        with torch.no_grad():
            model(ids)

    plain = written(model, projection(model), run)
    for row, head in enumerate(heads):
        with inject(model, [head], lambda ids: torch.zeros(1, 9, 9) + torch.eye(9), layout=layout):
            eye = written(model, projection(model), run)
        own = patterns_of(model, ids[0].tolist(), [head], layout=layout)[0]
        outputs = []
        for pattern in tried:
            with inject(model, [head], lambda ids, p=pattern: torch.from_numpy(p)[None], layout=layout):
                outputs.append(written(model, projection(model), run))
        # What the head writes by itself, from the identity pattern: own @ V W = (own) applied to the rows of V W.
        change = [float((plain - output).norm()) for output in outputs]
        assert found[row, 0] / found[row, 1] == pytest.approx(change[0] / change[1], rel=EXACT)
        away = output_distances(model, ids[0].tolist(), [head], torch.eye(9)[None], layout=layout)
        assert float(away[0, 0] / found[row, 0]) == pytest.approx(float((plain - eye).norm()) / change[0], rel=EXACT)
        assert float(output_distances(model, ids[0].tolist(), [head], own[None], layout=layout)) <= EXACT
        nothing = output_distances(model, ids[0].tolist(), [head], torch.zeros(1, 9, 9), layout=layout)
        assert float(nothing) == pytest.approx(1.0, rel=EXACT)


def test_a_model_whose_projection_is_not_known_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attndsl.models.output_distance.OUTPUT_PROJECTIONS", ("mixing",))
    model = tiny_model("llama")
    with pytest.raises(DiagnosticError, match=r"E0610.*output projection of LlamaAttention"):
        output_distances(model, [10, 11, 12], [(0, 0)], torch.eye(3)[None])
