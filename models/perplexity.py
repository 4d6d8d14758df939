"""What replacing heads costs: next-token loss on held-out texts, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.models.encode import encode
from attndsl.models.heads import Head
from attndsl.models.inject import inject
from attndsl.models.layout import AttentionLayout, find_layout
from attndsl.models.placement import OutsideWindow
from attndsl.models.replacement import Provider

if TYPE_CHECKING:
    from transformers import PreTrainedModel

STEPS = (0.0, 0.05, 0.10, 0.25, 0.40, 0.60, 1.0)
"""Shares of the heads that are replaced, one after another."""


@dataclass(frozen=True)
class Losses:
    """Next-token losses of some texts: ``nll`` float64 [texts], in nats, summed over the tokens of a text;
    ``tokens`` int64 [texts], how many tokens were predicted (all but the first)."""

    nll: NDArray[np.float64]
    tokens: NDArray[np.int64]

    @property
    def perplexity(self) -> float:
        """exp of the mean loss per token, over all tokens of all texts: long texts count more."""
        return math.exp(float(self.nll.sum() / self.tokens.sum()))

    @property
    def mean_nll(self) -> NDArray[np.float64]:
        """Mean loss per token of each text, float64 [texts]: what a paired bootstrap over texts resamples."""
        return self.nll / self.tokens


@dataclass(frozen=True)
class CurvePoint:
    """One step of a curve: the ``share`` asked for, the heads replaced, and the losses with them replaced.

    ``increase`` is the perplexity over that of the unmodified model, minus 1 (0.25 is 25% more).
    """

    share: float
    heads: tuple[Head, ...]
    losses: Losses
    increase: float


def losses(model: PreTrainedModel, tokenizer: Any, texts: Sequence[str]) -> Losses:
    """The next-token losses of ``model``, as it is now, on each text; float32 arithmetic on the logits.

    Raises E0639 (not a causal language model, no text, or a text of one token).
    """
    import torch

    _refuse_others(model)
    nll, tokens = [], []
    for text in texts:
        ids = torch.tensor([encode(text, tokenizer)], device=model.device)
        if ids.shape[1] < 2:
            raise fail("E0639", f"the text {text!r} has one token, so nothing is predicted", help="leave it out")
        with torch.no_grad():
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
        nll.append(float(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum")))
        tokens.append(ids.shape[1] - 1)
    if not tokens:
        raise fail("E0639", "there is no text to measure perplexity on", help="give at least one text")
    return Losses(np.asarray(nll, np.float64), np.asarray(tokens, np.int64))


def perplexity_curve(
    model: PreTrainedModel,
    tokenizer: Any,
    texts: Sequence[str],
    ordered_heads: Sequence[Head],
    provider_for: Callable[[Sequence[Head]], Provider],
    steps: Sequence[float] = STEPS,
    *,
    layout: AttentionLayout | None = None,
    outside_window: OutsideWindow = "error",
    progress: Callable[[int, int], None] | None = None,
) -> list[CurvePoint]:
    """Losses with growing shares of ``ordered_heads`` replaced, the first heads first.

    ``steps`` are shares of ``len(ordered_heads)`` from 0 to 1, rounded to whole heads; ``provider_for(heads)`` gives
    the provider (see ``inject``) for the heads of a step, in that order. The unmodified model is measured once, for
    the increases, whether or not 0 is a step. Raises E0639, and what ``inject`` raises.
    """
    layout = layout or find_layout(model)
    if not layout.causal:
        raise _no_next_tokens(model)
    unmodified = losses(model, tokenizer, texts)
    points = []
    for number, share in enumerate(steps, start=1):
        heads = tuple(ordered_heads[: round(share * len(ordered_heads))])
        measured = unmodified
        if heads:
            with inject(model, heads, provider_for(heads), layout=layout, outside_window=outside_window):
                measured = losses(model, tokenizer, texts)
        points.append(CurvePoint(share, heads, measured, measured.perplexity / unmodified.perplexity - 1))
        if progress is not None:
            progress(number, len(steps))
    return points


def require_next_tokens(model: PreTrainedModel, causal: bool) -> None:
    """Raises E0639 for a model that has no perplexity."""
    if not causal:
        raise _no_next_tokens(model)
    _refuse_others(model)


def _refuse_others(model: PreTrainedModel) -> None:
    """Raises E0639 for a model without a head that predicts tokens, or with one that fills in masked tokens."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL,
    )
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_MASKED_LM_MAPPING_NAMES as MASKED,
    )

    name = type(model).__name__
    if getattr(model, "get_output_embeddings", lambda: None)() is None:
        raise _no_next_tokens(model)
    if name in MASKED.values() and name not in CAUSAL.values():
        raise _no_next_tokens(model)


def _no_next_tokens(model: PreTrainedModel) -> DiagnosticError:
    return fail(
        "E0639",
        f"the model {type(model).__name__} does not predict next tokens, so it has no perplexity",
        help="use a causal language model; for encoders, compare patterns only",
    )
