"""What a model answers to multiple-choice questions: the option with the greatest summed log-probability."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attndsl.models.encode import encode
from attndsl.models.questions import Question

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def option_scores(
    model: PreTrainedModel, tokenizer: Any, question: Question, max_context: int | None = None
) -> NDArray[np.float64]:
    """Summed log-probability of each option after the prompt, float64 [options], in nats.

    Raises E0614 for a question that is longer than the model's context.
    """
    import torch

    rows, starts = [], []
    for option in question.options:
        whole = encode(question.prompt + option, tokenizer, max_context=max_context, name=question.prompt[:40])
        rows.append(whole)
        starts.append(_shared(encode(question.prompt, tokenizer), whole))
    width, first = max(map(len, rows)), min(starts)
    ids = torch.zeros((len(rows), width), dtype=torch.long, device=model.device)
    mask = torch.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
        mask[place, : len(row)] = 1
    last = width - first + 1  # positions from the one that predicts the first token of an option
    options: dict[str, Any] = {"attention_mask": mask, "use_cache": False}
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        options["logits_to_keep"] = last
    with torch.no_grad():
        logits = model(ids, **options).logits[:, -last:].float()
    found = [
        _summed(logits[place, start - first : len(row) - first], row[start:])
        for place, (row, start) in enumerate(zip(rows, starts, strict=True))
    ]
    return np.array(found, np.float64)


def _shared(prompt: list[int], whole: list[int]) -> int:
    """How many tokens the prompt has inside prompt and option together: at least one, and never the last token."""
    same = next(
        (i for i, (a, b) in enumerate(zip(prompt, whole, strict=False)) if a != b), min(len(prompt), len(whole))
    )
    return max(1, min(same, len(whole) - 1))


def _summed(logits: torch.Tensor, tokens: Sequence[int]) -> float:
    import torch

    chances = torch.log_softmax(logits[: len(tokens)], dim=-1)
    return float(chances[range(len(tokens)), list(tokens)].sum())


def right_answers(
    model: PreTrainedModel,
    tokenizer: Any,
    questions: Sequence[Question],
    *,
    max_context: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float64]:
    """1 for each question that the model, as it is now, answers right, else 0: float64 [questions]."""
    found = []
    for number, question in enumerate(questions, start=1):
        scores = option_scores(model, tokenizer, question, max_context)
        found.append(float(int(scores.argmax()) == question.answer))
        if progress is not None:
            progress(number, len(questions))
    return np.array(found)
