"""The main job: programs and a model to measured, replaced heads and a report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from attndsl.cli.report.render import write_report
from attndsl.job.progress import Progress, Timed
from attndsl.job.replacement import Step, replace_stage
from attndsl.job.report import report_data, versions
from attndsl.job.run import Run, prepare
from attndsl.job.scores import score_stage
from attndsl.job.settings import Settings
from attndsl.job.stages import write_text
from attndsl.runtime.table import Table


@dataclass(frozen=True)
class Explained:
    """What a finished run gives: the table of heads, the replacement steps, where its files are, what took how long.

    ``seconds``: wall time by stage, this time; stages whose results were kept take next to none.
    """

    run: Run
    table: Table
    steps: list[Step]
    report: Path
    results: Path
    seconds: dict[str, float]

    def _repr_html_(self) -> str:
        from attndsl.runtime.shown import cell, rows_html, table_html

        steps = [
            (f"{s['share']:.0%}", s["heads"], s["perplexity"], f"{s['increase_percent']:+.1f}%") for s in self.steps
        ]
        curve = rows_html(("share", "heads", "perplexity", "increase"), steps, "heads replaced") if steps else ""
        return f"{table_html(self.table)}{curve}<p>report: {cell(self.report)}</p>"


def explain(settings: Settings, progress: Progress) -> Explained:
    """Run the main job in ``settings.out``; a rerun goes on where the last one stopped.

    Writes ``report.html``, ``results.json`` and ``heads.csv``. Raises DiagnosticError as its stages do.
    """
    timed = Timed(progress)
    run = prepare(settings, timed)
    table = score_stage(run)
    steps = replace_stage(run, table)
    with timed.step("writing the report"):
        out = Path(settings.out)
        report = out / "report.html"
        write_report(report_data(run, table, steps), report)
        results = out / "results.json"
        write_text(results, json.dumps(results_of(run, table, steps), indent=1, ensure_ascii=False) + "\n")
        write_text(out / "heads.csv", table.to_csv())
    return Explained(run, table, steps, report, results, timed.seconds)


def results_of(run: Run, table: Table, steps: list[Step]) -> dict[str, object]:
    """Everything a run measured, as JSON-able data."""
    info = run.loaded.info
    content = json.loads(table.to_json())
    return {
        "model": {
            "name": info.name,
            "revision": info.revision,
            "architecture": info.architecture,
            "fingerprint": info.fingerprint,
        },
        "corpus": run.settings.corpus,
        "totals": content["meta"],
        "heads": content["rows"],
        "perplexity": steps,
        "programs": {p.name: p.outcome.value for p in run.library.values()},
        "versions": versions(),
    }
