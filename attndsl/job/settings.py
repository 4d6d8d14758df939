"""What a run is asked to do: plain data, checked once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

LENGTHS = (16, 32, 64, 128)


@dataclass(frozen=True)
class Settings:
    """``tokens``: texts are cut to this many; shorter ones than ``min_tokens`` (None: three quarters of ``tokens``, at
    least 2) are left out. ``train``/``heldout``: at most that many texts of each split (None: all). ``steps``: shares
    of heads to replace. ``seed`` fixes bootstraps. ``choose``: the program of a head is the one of the greatest train
    ``iou``, or of the least output-weighted ``distance`` (see ``models.output_distance``). ``workers``: processes that
    do units of work, on this machine or, with ``ray``, on the cluster at that address (0: as many as it has room for).
    Without ``keep_patterns`` nothing of them is stored, and every pass over the texts runs the model again. ``repair``:
    measure also with a scale and a bias per replaced head, fitted on the train texts (see ``models.repair``)."""

    model: str = "smollm2-135m"
    revision: str | None = None
    programs: tuple[Path, ...] = ()
    corpus: str = "stories"
    heads: str | None = None
    out: Path = Path("attndsl-runs/run")
    tokens: int = 128
    min_tokens: int | None = None
    train: int | None = 40
    heldout: int | None = 20
    steps: tuple[float, ...] = (0.0, 0.05, 0.10, 0.25, 0.40, 0.60, 1.0)
    examples: int = 4
    device: str = "cpu"
    backend: str | None = None
    seed: int = 0
    choose: str = "iou"
    repair: bool = False
    workers: int = 1
    ray: str | None = None
    keep_patterns: bool = True

    @property
    def least_tokens(self) -> int:
        """The shortest text that is taken."""
        return self.min_tokens if self.min_tokens is not None else max(2, self.tokens * 3 // 4)

    def within(self, context: int | None) -> Settings:
        """The same for a model that reads at most ``context`` tokens (None: no limit)."""
        if context is None or context >= self.tokens:
            return self
        least = None if self.min_tokens is None else min(self.min_tokens, context)
        return replace(self, tokens=context, min_tokens=least)
