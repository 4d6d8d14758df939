"""A run that is open: its folder, its locks, its ledger, its workers. A process has a run open once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.stages import write_text
from attndsl.store.folder import RunFolder
from attndsl.store.ledger import FORMAT, Ledger
from attndsl.store.lock import FolderLock, RemoteLock
from attndsl.store.processes import named
from attndsl.store.units import Here, Pool, Units

if TYPE_CHECKING:
    from attndsl.job.run import Run
    from attndsl.job.worker import JoinRun

RUN = "run.json"
_OPEN: dict[Path, Opened] = {}

LAYOUT = {
    "run.json": "what this folder is: format, settings and versions of the first command",
    "ledger/*.jsonl": "every unit of work, one JSON record a line: start, done (outputs, seconds, memory), failed",
    "patterns/*/*.safetensors": "attention patterns: KEY.pattern float32 [heads, query, key], KEY.ids int64 [tokens]",
    "patterns/*/store.json": "model and heads (layer, head) of the first axis of these patterns",
    "patterns/*/corpus.json": "text name to split and KEY",
    "blocks/*.safetensors": "sums and figures of blocks of texts",
    "scores/heads-*.parquet": "one row per head: its program and scores",
    "scores/pairs-*.parquet": "one row per program and head: mean train IoU",
    "scores/texts-*.parquet": "one row per head and held-out text",
    "stages/*.json": "results of finished stages",
}


class Opened:
    """See ``open_run``. ``units`` is there once ``begin`` was called."""

    def __init__(self, out: Path | str, notify: Callable[[str], None]) -> None:
        self.folder = RunFolder(out)
        key = self.folder.path.resolve()
        if key in _OPEN:
            _OPEN[key].close()
        self._notify, self._key = notify, key
        self.ready = False
        self._lock = FolderLock(self.folder.path)
        self._remote_lock: RemoteLock | None = None
        self.units: Units
        try:
            if self.folder.remote is not None:
                self._remote_lock = RemoteLock(self.folder.remote, notify=notify)
            self.folder.sweep()
            _check_format(self.folder)
        except BaseException:
            self._release()
            raise
        for left in (self._lock.left, self._remote_lock.left if self._remote_lock else None):
            if left is not None:
                notify(f"{named(left)} ended before its run did; going on from there")
        _OPEN[key] = self

    def begin(self, run: Run, opening: JoinRun) -> None:
        """Read the ledger, and be ready for units of work."""
        about = _about(run)
        ledger = Ledger(self.folder, about)
        for name, line in ledger.damaged:
            self._notify(f"warning: line {line} of ledger/{name} is damaged; the unit it was about may be done again")
        self._agree(ledger)
        from attndsl.job.kinds import do

        pool = _pool(run, opening)
        check = self._remote_lock.check if self._remote_lock is not None else lambda: None
        self.units = Units(self.folder, ledger, pool, mend=run.mend, check=check, notify=self._notify)
        self.units.here_do = lambda unit: do(run, unit)
        self.ready = True
        run.ledger_is_open()
        if not (self.folder.path / RUN).exists():
            content = {"format": FORMAT, "kind": "attndsl run", "layout": LAYOUT, **about}
            import json

            write_text(self.folder.path / RUN, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        self.folder.sent_if_missing(RUN)

    def _agree(self, ledger: Ledger) -> None:
        """Files that were removed at the URL are put there again from this machine's copy; patterns that are nowhere
        are counted as not done (other files are asked for one by one, when they are needed)."""
        if self.folder.remote is None:
            return
        there = self.folder.remote.names()
        restored = 0
        for unit, outputs in list(ledger.state.done.items()):
            for written in outputs:
                if written.name in there:
                    continue
                if self.folder.is_here(written):
                    self.folder.sent(written.name)
                    restored += 1
                elif written.holds:
                    self._notify(f"{written.name} is missing at {self.folder.shown}; its patterns are made again")
                    ledger.gone(unit, f"{written.name} is missing")
        if restored:
            self._notify(f"{restored} finished files were missing at {self.folder.shown}; put there again from here")

    def close(self) -> None:
        """Let others in; again is no harm."""
        if _OPEN.get(self._key) is self:
            del _OPEN[self._key]
        units = getattr(self, "units", None)
        if units is not None:
            units.pool.close()
            units.ledger.close()
            self.folder.sweep()  # a worker may have been killed while it wrote
        self._release()

    def _release(self) -> None:
        if self._remote_lock is not None:
            self._remote_lock.release()
        self._lock.release()


def open_run(out: Path | str, notify: Callable[[str], None]) -> Opened:
    """Take the run in a folder or at a URL for this process; a run that it had open there is closed first.

    Raises DiagnosticError E0805 (cannot write), E0910 (another process works on it), E0524 (another format), E0527.
    """
    return Opened(out, notify)


def close_all() -> None:
    """Close what this process has open: a command is over."""
    for opened in list(_OPEN.values()):
        opened.close()


def _about(run: Run) -> Mapping[str, Any]:
    from attndsl.job.report import versions

    info = run.loaded.info
    settings = {name: value for name, value in asdict(run.settings).items() if name != "out"}
    return {
        "settings": {**settings, "programs": [str(path) for path in run.settings.programs]},
        "model": {
            "name": info.name,
            "revision": info.revision,
            "fingerprint": info.fingerprint,
            "shape": _shape(run),
        },
        "versions": versions(),
    }


def _shape(run: Run) -> dict[str, int]:
    """What the planner has to know of a model; heads that are not asked for cost no patterns, but layers still run."""
    info = run.loaded.info
    hidden = int(getattr(run.loaded.model.config.get_text_config(), "hidden_size", 0))
    heads = -(-len(run.heads) // info.layers)
    return {"layers": info.layers, "heads": heads, "hidden": hidden, "parameters": info.parameters}


def _pool(run: Run, opening: JoinRun) -> Pool:
    settings = run.settings
    if settings.ray is not None:
        from attndsl.store.ray_pool import RayPool

        gpu = run.loaded.info.device.startswith("cuda")
        return RayPool(settings.ray, settings.workers, opening, gpu=gpu, notify=run.progress.note)
    if settings.workers > 1:
        from attndsl.store.workers import Processes

        return Processes(settings.workers, opening)
    from attndsl.job.kinds import do

    return Here(lambda unit: do(run, unit))


def _check_format(folder: RunFolder) -> None:
    """Raise E0524 for a run that another version of attndsl wrote in another way."""
    import json

    folder.fetch(RUN)
    try:
        content = json.loads((folder.path / RUN).read_text(encoding="utf-8"))
        found = content["format"] if content["kind"] == "attndsl run" else None
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise fail(
            "E0524", f"{folder.shown} is not a run that can be gone on with: {RUN} cannot be read ({error})",
            help=f"remove {RUN} to go on with what is there, or choose another folder with --out",
        ) from error  # fmt: skip
    if found != FORMAT:
        raise fail(
            "E0524", f"the run in {folder.shown} has format {found}, and this version of attndsl writes {FORMAT}",
            help="go on with the version that wrote it, or choose another folder with --out",
        )  # fmt: skip
