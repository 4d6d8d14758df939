"""Passes that start at the first changed layer give what whole passes give, bit for bit."""

from __future__ import annotations

import pytest
import torch
from replaced import logits, self_token
from tiny import CAUSAL, random_ids, tiny_model

from attndsl.models.inject import replace_heads
from attndsl.models.layout import find_layout
from attndsl.models.prefix import Prefix

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", CAUSAL)
def test_a_pass_from_the_first_replaced_layer_is_the_whole_pass(name: str) -> None:
    model = tiny_model(name)
    layout = find_layout(model)
    ids = random_ids(1, 6)
    prefix = Prefix(model, layout)
    with prefix.kept():
        plain = logits(model, ids, use_cache=False)
    ran: list[int] = []
    for layer in layout.layers:
        heads = {(layer.layer, 1): self_token}
        with replace_heads(model, None, heads, layout=layout):
            wanted = logits(model, ids, use_cache=False)
            modules = prefix._blocks
            hooks = [
                b.mlp.register_forward_hook(lambda *_, n=n: ran.append(n))
                for n, b in modules.items()
                if hasattr(b, "mlp")
            ]
            with prefix.below(layer.layer):
                found = logits(model, ids, use_cache=False)
            for hook in hooks:
                hook.remove()
        assert torch.equal(found, wanted)
        assert not torch.equal(found, plain)
        assert not ran or sorted(ran) == list(range(layer.layer, len(layout.layers)))
        ran.clear()
    assert torch.equal(logits(model, ids, use_cache=False), plain)
    assert len(prefix._blocks) == len(layout.layers)


def test_layers_that_share_their_module_are_run_every_time() -> None:
    model = tiny_model("albert")
    prefix = Prefix(model, find_layout(model))
    with prefix.kept():
        plain = logits(model, random_ids(1, 6))
    with prefix.below(2):
        assert torch.equal(logits(model, random_ids(1, 6)), plain)
    with prefix.below(2):
        assert not torch.equal(logits(model, random_ids(1, 6, seed=5)), plain)  # nothing was given in its place
