"""Models larger than one device's memory: accelerate puts their layers on all GPUs, in memory, and on the disk.

A layer that is on the disk has no values until it runs (its tensors are on torch's ``meta`` device); accelerate's hooks
bring it in and send it out again. Extraction works as it does without, since it looks at attention as it passes.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

NAME = "sharded"
"""The device that asks for it."""


def sharded_options(
    placement: str | Mapping[str, Any] = "auto", max_memory: Mapping[Any, Any] | None = None
) -> dict[str, Any]:
    """What ``from_pretrained`` has to know: where each module goes (``auto``: accelerate decides, within
    ``max_memory`` by device). Raises DiagnosticError E0613 without accelerate."""
    if find_spec("accelerate") is None:
        raise fail("E0613", "device 'sharded' needs accelerate", help="pip install 'attndsl[sharded]'")
    device_map = placement if isinstance(placement, str) else dict(placement)
    folder = tempfile.mkdtemp(prefix="attndsl-offload-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # it may hold as many bytes as the model has
    options = {"device_map": device_map, "offload_folder": folder}
    return options if max_memory is None else {**options, "max_memory": dict(max_memory)}


def tensors_of(model: PreTrainedModel) -> Iterator[tuple[str, torch.Tensor]]:
    """Every weight and buffer by name, in the order of the names; those on the disk are read one at a time."""
    for name, tensor in sorted(model.state_dict().items()):
        yield name, _offloaded(model, name) if tensor.device.type == "meta" else tensor


def _offloaded(model: PreTrainedModel, name: str) -> torch.Tensor:
    place, _, leaf = name.rpartition(".")
    hook = getattr(model.get_submodule(place), "_hf_hook", None)
    for each in getattr(hook, "hooks", (hook,)):
        weights = getattr(each, "weights_map", None)
        if weights is not None:
            found: torch.Tensor = weights[leaf]
            return found
    raise fail(
        "E0602", f"the model {type(model).__name__} has no values for {name}",
        help="load it with its weights; those on the disk are found through accelerate",
    )  # fmt: skip
