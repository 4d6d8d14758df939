"""GGUF files: read with transformers' loader, dequantized, and written as safetensors with the same numbers."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.models.quiet import quiet_transformers

if TYPE_CHECKING:
    import torch


def load_gguf(path: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """(model, tokenizer) from a GGUF file, weights dequantized to ``dtype``.

    Raises E0608 when the packages that read GGUF are missing or transformers cannot read the file.
    """
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _require_packages()
    # Releases before GgufConfig unpack the weights anyway.
    kind = getattr(transformers, "GgufConfig", None)
    unpack = {"quantization_config": kind(dequantize=True)} if kind is not None else {}
    try:
        # The loader draws a progress bar that no setting of transformers turns off.
        with quiet_transformers(), redirect_stderr(io.StringIO()):
            model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=dtype, **unpack)
            tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    except (ValueError, OSError, KeyError, NotImplementedError, ImportError, RuntimeError, IndexError) as error:
        # The loader reports bad files and unknown architectures by all of these; the cause stays attached.
        raise cannot_read(path, error) from error
    return model, tokenizer


def convert_gguf(path: Path, target: Path) -> None:
    """Write the model and tokenizer of a GGUF file into ``target`` as float32 safetensors, numbers unchanged.

    A model loaded from GGUF refuses to be saved as it is, so its weights move to a fresh model whose configuration
    does not mention the quantization. Raises E0608.
    """
    import torch
    import transformers

    auto: Any = transformers  # its factories declare no types
    model, tokenizer = load_gguf(path, torch.float32)
    settings = model.config.to_dict()
    settings.pop("quantization_config", None)
    kind = settings.pop("model_type")
    config = auto.AutoConfig.for_model(kind, **settings)
    config.architectures = [type(model).__name__]
    with quiet_transformers():
        fresh = auto.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        fresh.load_state_dict(model.state_dict())
        fresh.generation_config = model.generation_config
        fresh.save_pretrained(target)
        tokenizer.save_pretrained(target)


def _require_packages() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("gguf", "accelerate") if find_spec(name) is None]
    if missing:
        raise fail(
            "E0608",
            f"reading a GGUF model needs the package {' and '.join(missing)}",
            help="pip install 'attndsl[gguf]'",
        )


def cannot_read(path: Path, error: Exception) -> DiagnosticError:
    """The diagnostic E0608 for a GGUF file that transformers cannot read."""
    reason = str(error).strip().split("\n", 1)[0] or type(error).__name__
    return fail(
        "E0608",
        f"cannot read the GGUF model {path.name}: {reason}",
        help="transformers reads GGUF files of the Llama, Mistral, Qwen2, Gemma, Phi3 and other families; convert"
        " others to a Hugging Face folder",
    )
