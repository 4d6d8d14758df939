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
from attndsl.job.run_extras import COUNTEREXAMPLES, DAMAGE, extras_address
from attndsl.job.scores import chosen_programs, score_stage
from attndsl.job.settings import Settings
from attndsl.job.stages import digest
from attndsl.runtime.table import Table
from attndsl.store.units import Unit

REPORT, RESULTS, TABLE = "report.html", "results.json", "heads.csv"


@dataclass(frozen=True)
class Explained:
    """What a finished run gives: the table of heads, the replacement steps, where its files are, what took how long.

    ``seconds``: wall time by stage, this time; stages whose results were kept take next to none.
    """

    run: Run
    table: Table
    steps: list[Step]
    report: str
    results: str
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
    results = results_of(run, table, steps)
    for name in (DAMAGE, COUNTEREXAMPLES):
        run.folder.fetch(name)
    shown = (run.settings.examples, page_sources(), extras_address(run.folder.path))
    unit = Unit("report", run.key("report", results, *shown), "report and results")
    if not run.units.whole(unit):
        with timed.step("writing the report"), run.units.logged(unit) as outputs:
            page = run.folder.path / REPORT
            write_report(report_data(run, table, steps), page)
            outputs.append(run.folder.put(REPORT, page.read_bytes()))
            outputs.append(run.folder.put(RESULTS, (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode()))
            outputs.append(run.folder.put(TABLE, table.to_csv().encode("utf-8", "replace")))
    run.close()
    return Explained(run, table, steps, f"{run.folder.shown}/{REPORT}", f"{run.folder.shown}/{RESULTS}", timed.seconds)


def page_sources() -> str:
    """A digest of what draws the page: a newer page is drawn again, although its figures are the same."""
    from attndsl.cli.report import render

    files = sorted(path for path in Path(render.__file__).parent.iterdir() if path.is_file())
    return digest([(path.name, path.read_text(encoding="utf-8")) for path in files])


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
        "program_texts": program_texts(run, table),
        "versions": versions(),
    }


def program_texts(run: Run, table: Table) -> dict[str, str]:
    """The text of every chosen program, so that a later run can tell whether one of the same name was edited."""
    chosen = {program.name: program for program in chosen_programs(run, table).values()}
    return {name: p.to_attn() if p.typed is not None else p.source or "" for name, p in sorted(chosen.items())}
