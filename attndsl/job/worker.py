"""What a worker needs to take part in a run, and how it opens it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from attndsl.dsl.diagnostics import fail
from attndsl.job.progress import Silent
from attndsl.job.settings import Settings
from attndsl.store.remote import url_of
from attndsl.store.units import Do


@dataclass(frozen=True)
class JoinRun:
    """The settings of the leading process, its heads, the program files with their content (a worker may be on a
    machine that has not got them), and the threads of its model: sums over other numbers of threads may round
    otherwise."""

    settings: Settings
    heads: tuple[tuple[int, int], ...]
    files: tuple[tuple[str, bytes], ...]
    threads: int

    @classmethod
    def of(cls, settings: Settings, heads: list[tuple[int, int]]) -> JoinRun:
        from attndsl.models.load import model_threads

        out = settings.out if url_of(settings.out) is not None else settings.out.resolve()
        files = tuple((path.name, path.read_bytes()) for path in settings.programs)
        return cls(replace(settings, out=out), tuple(heads), files, model_threads())

    def open(self) -> Do:
        """Load model and programs, and open the folder of the run. Raises DiagnosticError E0528 where it is another."""
        from attndsl.job.kinds import do
        from attndsl.job.run import Run
        from attndsl.models.load import load_model, model_threads
        from attndsl.runtime.library import builtin_library, load_library
        from attndsl.store.folder import RunFolder

        model_threads(self.threads)
        folder = RunFolder(self.settings.out)
        loaded = load_model(self.settings.model, self.settings.revision, device=self.settings.device)
        causal = loaded.info.causal
        with tempfile.TemporaryDirectory(prefix="attndsl-") as place:
            paths = [_put(Path(place), number, name, data) for number, (name, data) in enumerate(self.files)]
            library = load_library(paths, causal=causal) if paths else builtin_library(causal)
        run = Run(self.settings, loaded, library, library.compiled(), 0, list(self.heads), Silent(), folder)
        if folder.remote is None and not (folder.path / "run.json").exists():
            raise fail(
                "E0528", f"the worker does not see the run's folder {folder.shown}",
                help="workers on other machines need --out at a URL, or on a file system that all of them share",
            )  # fmt: skip
        return partial(do, run)


def _put(place: Path, number: int, name: str, data: bytes) -> Path:
    folder = place / str(number)  # two files may have one name
    folder.mkdir()
    (folder / name).write_bytes(data)
    return folder / name
