"""Stage: multiple-choice questions with growing shares of heads replaced, paired with the unmodified model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from attndsl.job.replacement import provider_of
from attndsl.job.run import Run
from attndsl.job.scores import chosen_programs, in_iou_order, score_stage
from attndsl.runtime.table import Table

if TYPE_CHECKING:
    from attndsl.models.harness import Harness
    from attndsl.models.load import LoadedModel
    from attndsl.models.questions import Question

SHARES = (0.0, 0.10, 0.25, 0.40)
Row = dict[str, Any]


class Quiz(Protocol):
    """Questions from somewhere: ``key`` is all that the answers depend on beside the model."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> Any: ...
    def __len__(self) -> int: ...
    def answers(self, loaded: LoadedModel, progress: Callable[[int, int], None]) -> NDArray[np.float64]:
        """1 or 0 for each question, asked of the model as it is now."""
        ...


@dataclass(frozen=True)
class FileQuiz:
    """Questions of a file."""

    name: str
    questions: Sequence[Question]

    @property
    def key(self) -> Any:
        return [(question.prompt, question.options, question.answer) for question in self.questions]

    def __len__(self) -> int:
        return len(self.questions)

    def answers(self, loaded: LoadedModel, progress: Callable[[int, int], None]) -> NDArray[np.float64]:
        from attndsl.models.answers import right_answers

        limit = loaded.info.max_context
        return right_answers(loaded.model, loaded.tokenizer, self.questions, max_context=limit, progress=progress)


@dataclass(frozen=True)
class TaskQuiz:
    """Questions of a task of lm-evaluation-harness, by their places in it."""

    name: str
    places: Sequence[int]
    harness: Harness

    @property
    def key(self) -> Any:
        from importlib.metadata import version

        return ["lm-eval", version("lm-eval"), self.name, list(self.places)]

    def __len__(self) -> int:
        return len(self.places)

    def answers(self, loaded: LoadedModel, progress: Callable[[int, int], None]) -> NDArray[np.float64]:
        return self.harness.answers(
            loaded.model, loaded.tokenizer, self.name, self.places, max_context=loaded.info.max_context,
            progress=progress,
        )  # fmt: skip


def read_questions(files: Sequence[Path], sample: int | None, seed: int = 0) -> list[Quiz]:
    """A seeded sample of the questions of each file, to be read before any long work. Raises DiagnosticError E0644."""
    from attndsl.models.questions import load_questions, sampled

    return [FileQuiz(path.stem, sampled(load_questions(path), sample, seed)) for path in files]


def find_tasks(names: Sequence[str], sample: int | None, seed: int = 0, folder: Path | None = None) -> list[Quiz]:
    """A seeded sample of the questions of each task of lm-evaluation-harness, or of a folder with tasks for it.
    Raises DiagnosticError E0645."""
    from attndsl.models.harness import Harness
    from attndsl.models.questions import sampled

    harness = Harness(folder)
    sizes = harness.sizes(names)
    return [TaskQuiz(name, sampled(range(size), sample, seed), harness) for name, size in sizes.items()]


def qa_stage(run: Run, asked: Sequence[Quiz], shares: Sequence[float] = SHARES) -> list[Row]:
    """One row per quiz and share, heads in the order of train IoU: ``accuracy`` with its standard error, ``difference``
    to the unmodified model on the same questions with its own. Finished steps are not run again.

    Raises DiagnosticError E0639 (a model that predicts no next tokens).
    """
    from attndsl.models.perplexity import require_next_tokens

    require_next_tokens(run.loaded.model, run.causal)
    table = score_stage(run)
    order, rows = in_iou_order(run, table), []
    for quiz in asked:
        base: NDArray[np.float64] | None = None
        for share in sorted({0.0, *shares}):
            heads = order[: round(share * len(order))]
            right = _answered(run, table, quiz, heads)
            base = right if base is None else base
            rows.append({"task": quiz.name, "share": share, "heads": len(heads), **_figures(right, base)})
    return rows


def _answered(run: Run, table: Table, quiz: Quiz, heads: list[Any]) -> NDArray[np.float64]:
    from attndsl.models.inject import inject

    loaded, programs = run.loaded, chosen_programs(run, table)
    key = run.key("qa", quiz.key, [(head, programs[head].name) for head in heads])
    known = run.stages.load("qa", key)
    if known is None:
        provider = provider_of([programs[head] for head in heads], True, loaded.tokenizer)
        with (
            run.progress.bar(f"{quiz.name}, {len(heads)} heads replaced", len(quiz)) as advance,
            inject(loaded.model, heads, provider, layout=loaded.layout, outside_window="renormalize"),
        ):
            known = quiz.answers(loaded, advance).tolist()
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
