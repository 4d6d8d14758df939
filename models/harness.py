"""Multiple-choice tasks of lm-evaluation-harness by name, asked of a model as it is now."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.models.hub import offline
from attndsl.models.quiet import quiet_transformers

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def installed() -> bool:
    """Whether lm-evaluation-harness is there."""
    return importlib.util.find_spec("lm_eval") is not None


@functools.cache  # it reads thousands of files
def _manager(folder: str | None) -> Any:
    with _quiet():
        from lm_eval.tasks import TaskManager

        return TaskManager(include_path=folder)


class Harness:
    """The tasks of an installed lm-evaluation-harness, and those of a folder of the user's."""

    def __init__(self, folder: Path | None = None) -> None:
        """Raises DiagnosticError E0645 (not installed)."""
        if not installed():
            raise fail(
                "E0645", "lm-evaluation-harness is not installed",
                help="pip install 'attndsl[lm-eval]', or give the questions as a file: --questions FILE.jsonl",
            )  # fmt: skip
        self._tasks = _manager(None if folder is None else str(folder))

    def sizes(self, names: Sequence[str]) -> dict[str, int]:
        """How many questions each task asks. Raises DiagnosticError E0645 for one that cannot be asked."""
        return {name: self._size(name) for name in names}

    def _size(self, name: str) -> int:
        known = self._tasks.all_tasks
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            advice = f"did you mean {near[0]}?" if near else "`lm-eval ls tasks` lists them"
            raise fail("E0645", f"lm-evaluation-harness has no task '{name}'", help=advice)
        try:
            with _quiet():
                task = self._tasks.load([name])["tasks"].get(name)
                kind = None if task is None else task.get_config("output_type")
                size = 0 if kind is None else len(list(task.eval_docs))
        except Exception as error:  # whatever reading somebody's data set can raise
            raise _unavailable(name, error) from error
        if kind != "multiple_choice":
            what = "is a group of tasks" if kind is None else f"is no multiple choice but {kind}"
            raise fail("E0645", f"the task '{name}' {what}", help="name tasks such as piqa, hellaswag or arc_easy")
        return size

    def answers(
        self,
        model: PreTrainedModel,
        tokenizer: Any,
        name: str,
        places: Sequence[int],
        *,
        max_context: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> NDArray[np.float64]:
        """1 for each question, by its place in the task, that the model as it is now answers right, else 0: the
        harness's ``acc``, float64 [places]. Texts are asked one by one: it pads batches without a mask.

        Prompts that are longer than ``max_context`` lose their beginning, as is the harness's way.
        """
        from lm_eval import simple_evaluate

        wrapped = _wrapped(model, tokenizer, max_context, progress)
        asked = sorted(set(places))  # in another order the harness numbers the answers wrongly
        with _quiet(), _without_extras():
            found: Any = simple_evaluate(
                model=wrapped, tasks=[name], samples={name: asked}, task_manager=self._tasks, bootstrap_iters=0,
                log_samples=True, random_seed=None, numpy_random_seed=None, torch_random_seed=None,
            )  # fmt: skip
        right = {row["doc_id"]: float(row["acc"]) for row in found["samples"][name]}
        return np.array([right[place] for place in places])


def _wrapped(model: Any, tokenizer: Any, max_context: int | None, progress: Callable[[int, int], None] | None) -> Any:
    """The harness's own wrapper of a transformers model, which tells us of its progress and prints none."""
    with _quiet():
        from lm_eval.models.huggingface import HFLM

    class Wrapped(HFLM):  # type: ignore[misc]  # the harness has no types
        def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any:
            return super().loglikelihood(requests, disable_tqdm=True)

        def _loglikelihood_tokens(self, requests: Any, disable_tqdm: bool = False, override_bs: Any = None) -> Any:
            self._asked, self._total = 0, len(requests)
            return super()._loglikelihood_tokens(requests, disable_tqdm=True, override_bs=override_bs)

        def _model_call(self, inps: Any, *args: Any, **kwargs: Any) -> Any:
            self._asked += 1
            if progress is not None:
                progress(min(self._asked, self._total), self._total)
            return super()._model_call(inps, *args, **kwargs)

    with _quiet():
        return Wrapped(
            pretrained=model, tokenizer=tokenizer, max_length=max_context, batch_size=1, device=str(model.device)
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the harness's own messages and bars, and without its patience where there is no network at all."""
    import datasets
    from huggingface_hub import constants

    bars = datasets.is_progress_bar_enabled()
    with ExitStack() as stack:
        stack.enter_context(quiet_transformers())
        for name in ("lm_eval", "lm-eval", "datasets", "evaluate", "httpx"):
            log = logging.getLogger(name)
            stack.callback(log.setLevel, log.level)
            log.setLevel(logging.ERROR)
        datasets.disable_progress_bars()
        if bars:
            stack.callback(datasets.enable_progress_bars)
        if offline():
            places: tuple[Any, ...] = (constants, datasets.config)
            for settings in places:
                stack.callback(setattr, settings, "HF_HUB_OFFLINE", settings.HF_HUB_OFFLINE)
                settings.HF_HUB_OFFLINE = True
        yield


@contextmanager
def _without_extras() -> Iterator[None]:
    """Without the bar over prompts, and without asking git and pip about this machine for a log that nobody reads."""
    from lm_eval import evaluator
    from lm_eval.api import task

    silent = {
        (task, "tqdm"): lambda rows, *args, **kwargs: rows,
        (evaluator, "add_env_info"): lambda storage: None,
        (evaluator, "get_git_commit_hash"): lambda: None,
    }
    with ExitStack() as stack:
        for (module, name), stand_in in silent.items():
            stack.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, stand_in)
        yield


def _unavailable(name: str, error: Exception) -> DiagnosticError:
    reason = str(error).strip().split("\n", 1)[0] or type(error).__name__
    if offline():
        return fail(
            "E0645",
            f"the questions of the task '{name}' are not in the local cache and the Hugging Face Hub cannot be reached",
            help="check the network (and HF_HUB_OFFLINE), or give the questions as a file: --questions FILE.jsonl",
        )
    return fail(
        "E0645", f"the task '{name}' cannot be loaded: {reason}",
        help="`lm-eval ls tasks` lists the tasks; a file of questions works too: --questions FILE.jsonl",
    )  # fmt: skip
