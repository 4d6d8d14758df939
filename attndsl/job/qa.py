"""Stage: multiple-choice questions with growing shares of heads replaced, paired with the unmodified model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attndsl.job.replacement import provider_of
from attndsl.job.run import Run
from attndsl.job.scores import chosen_programs, in_iou_order, score_stage
from attndsl.runtime.table import Table

if TYPE_CHECKING:
    from attndsl.models.questions import Question

SHARES = (0.0, 0.10, 0.25, 0.40)
Row = dict[str, Any]


def read_questions(files: Sequence[Path]) -> dict[Path, list[Question]]:
    """The questions of each file, to be read before any long work. Raises DiagnosticError E0644."""
    from attndsl.models.questions import load_questions

    return {path: load_questions(path) for path in files}


def qa_stage(
    run: Run,
    asked: Mapping[Path, Sequence[Question]],
    shares: Sequence[float] = SHARES,
    sample: int | None = 400,
) -> list[Row]:
    """One row per file and share, heads in the order of train IoU: ``accuracy`` with its standard error, ``difference``
    to the unmodified model on the same questions with its own. Finished steps are not run again.

    Raises DiagnosticError E0639 (a model that predicts no next tokens).
    """
    from attndsl.models.perplexity import require_next_tokens
    from attndsl.models.questions import sampled

    require_next_tokens(run.loaded.model, run.causal)
    table = score_stage(run)
    order, rows = in_iou_order(run, table), []
    for path, found in asked.items():
        questions = sampled(found, sample, run.settings.seed)
        base: NDArray[np.float64] | None = None
        for share in sorted({0.0, *shares}):
            heads = order[: round(share * len(order))]
            right = _answered(run, table, path, questions, heads)
            base = right if base is None else base
            rows.append({"task": path.stem, "share": share, "heads": len(heads), **_figures(right, base)})
    return rows


def _answered(run: Run, table: Table, path: Path, questions: list[Any], heads: list[Any]) -> NDArray[np.float64]:
    from attndsl.models.answers import right_answers
    from attndsl.models.inject import inject

    loaded, programs = run.loaded, chosen_programs(run, table)
    asked = [(question.prompt, question.options, question.answer) for question in questions]
    key = run.key("qa", asked, [(head, programs[head].name) for head in heads])
    known = run.stages.load("qa", key)
    if known is None:
        provider = provider_of([programs[head] for head in heads], True, loaded.tokenizer)
        what = f"{path.stem}, {len(heads)} heads replaced"
        with (
            run.progress.bar(what, len(questions)) as advance,
            inject(loaded.model, heads, provider, layout=loaded.layout, outside_window="renormalize"),
        ):
            limit = loaded.info.max_context
            found = right_answers(loaded.model, loaded.tokenizer, questions, max_context=limit, progress=advance)
        known = found.tolist()
        run.stages.save("qa", key, known)
    return np.array(known)


def _figures(right: NDArray[np.float64], base: NDArray[np.float64]) -> Row:
    """Means with standard errors; of the difference, from the questions' own differences. None for one question."""
    return {
        "questions": len(right),
        "accuracy": float(right.mean()),
        "error": _standard_error(right),
        "difference": float((right - base).mean()),
        "difference_error": _standard_error(right - base),
    }


def _standard_error(values: NDArray[np.float64]) -> float | None:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
