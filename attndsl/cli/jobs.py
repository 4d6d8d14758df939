"""Commands over a model: explain (the main job), and its parts score, replace and report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.options import (
    MACHINE,
    OUTPUT,
    Choose,
    Choosing,
    Corpus,
    Device,
    DeviceOption,
    FindFirst,
    Format,
    FormatOption,
    Heads,
    Heldout,
    KeepPatterns,
    MinTokens,
    Model,
    Out,
    ProgramFiles,
    Quiet,
    RayAddress,
    Repair,
    Revision,
    Tokens,
    Train,
    Workers,
)

if TYPE_CHECKING:
    from attndsl.job.settings import Settings

DEFAULT_MODEL = "smollm2-135m"
STEPS = "0,5,10,25,40,60,100"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("explain", rich_help_panel="The main job")(explain)
    for name, command in (("score", score), ("replace", replace), ("report", report)):
        app.command(name, rich_help_panel="Its parts")(command)


def explain(
    model: Model = DEFAULT_MODEL,
    programs: ProgramFiles = None,
    synth: FindFirst = None,
    choose: Choose = Choosing.IOU,
    corpus: Corpus = "stories",
    heads: Heads = None,
    out: Out = None,
    revision: Revision = None,
    tokens: Tokens = 128,
    min_tokens: MinTokens = None,
    train: Train = 40,
    heldout: Heldout = 20,
    device: DeviceOption = Device.CPU,
    workers: Workers = 1,
    ray: RayAddress = None,
    keep_patterns: KeepPatterns = True,
    quiet: Quiet = False,
    format: FormatOption = Format.TEXT,
    repair: Repair = False,
) -> int:
    """Find the best program of every head, put programs in place of heads, and write a report.

    Programs are chosen on train texts and reported on held-out ones. Resumable: the same command goes on where it
    stopped, and does nothing twice.

    Example: attndsl explain smollm2-135m --heads L5,L6 --programs mine.py
    """
    from dataclasses import replace as changed

    from attndsl.cli.output import Shown, print_json, spent
    from attndsl.cli.tables import print_scores, print_steps
    from attndsl.job.explain import explain as run_job
    from attndsl.job.explain import results_of

    settings = settings_of(model, programs, corpus, heads, out, revision, tokens, min_tokens, train, heldout, device)
    settings = changed(settings, choose=choose.value, repair=repair, **shared_out(workers, ray, keep_patterns))
    if synth is not None:
        from attndsl.job.roads import with_found

        settings = with_found(settings, synth.value, Shown(quiet))
    done = run_job(settings, Shown(quiet))
    if format is Format.JSON:
        print_json(results_of(done.run, done.table, done.steps))
    else:
        print_scores(done.table, settings.model, settings.corpus)
        print_steps(done.steps)
        print(f"\nreport   {done.report}\nresults  {done.results}")
        if not quiet:
            Shown().note(spent(done.seconds))
    return 0


def score(
    model: Model = DEFAULT_MODEL,
    programs: ProgramFiles = None,
    corpus: Corpus = "stories",
    heads: Heads = None,
    out: Out = None,
    revision: Revision = None,
    tokens: Tokens = 128,
    min_tokens: MinTokens = None,
    train: Train = 40,
    heldout: Heldout = 20,
    device: DeviceOption = Device.CPU,
    workers: Workers = 1,
    ray: RayAddress = None,
    keep_patterns: KeepPatterns = True,
    quiet: Quiet = False,
    format: FormatOption = Format.TEXT,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table", metavar="FILE", rich_help_panel=OUTPUT, help="Write the table: .json, .csv or .parquet."
        ),
    ] = None,
    patterns: Annotated[
        Path | None,
        typer.Option(
            "--patterns",
            metavar="FOLDER",
            rich_help_panel=MACHINE,
            help="Score stored patterns (OUT/patterns of a run); no model is loaded, all its texts and heads count.",
        ),
    ] = None,
    budget: Annotated[
        bool,
        typer.Option("--budget", rich_help_panel=OUTPUT, help="With --patterns: predict time and memory, then stop."),
    ] = False,
) -> int:
    """Choose the best program of every head on train texts and score it on held-out texts."""
    if patterns is not None or budget:
        from attndsl.cli.stored import score_stored

        return score_stored(patterns, programs, table, budget, format)
    from dataclasses import replace as changed

    from attndsl.cli.output import Shown
    from attndsl.cli.tables import print_scores
    from attndsl.job.run import prepare
    from attndsl.job.scores import score_stage
    from attndsl.runtime.table import check_ending

    if table is not None:
        check_ending(table)
    settings = settings_of(model, programs, corpus, heads, out, revision, tokens, min_tokens, train, heldout, device)
    settings = changed(settings, **shared_out(workers, ray, keep_patterns))
    found = score_stage(prepare(settings, Shown(quiet)))
    if table is not None:
        found.write(table)
    if format is Format.JSON:
        print(found.to_json(), end="")
    else:
        print_scores(found, settings.model, settings.corpus, every_head=True)
    return 0


def replace(
    model: Model = DEFAULT_MODEL,
    programs: ProgramFiles = None,
    corpus: Corpus = "stories",
    heads: Heads = None,
    out: Out = None,
    revision: Revision = None,
    tokens: Tokens = 128,
    min_tokens: MinTokens = None,
    train: Train = 40,
    heldout: Heldout = 20,
    device: DeviceOption = Device.CPU,
    workers: Workers = 1,
    ray: RayAddress = None,
    keep_patterns: KeepPatterns = True,
    quiet: Quiet = False,
    format: FormatOption = Format.TEXT,
    steps: Annotated[
        str, typer.Option("--steps", metavar="LIST", help="Percent of heads to replace, in the order of train IoU.")
    ] = STEPS,
    repair: Repair = False,
) -> int:
    """Put programs in place of heads and measure perplexity on held-out texts."""
    from dataclasses import replace as changed

    from attndsl.cli.output import Shown, print_json
    from attndsl.cli.tables import print_steps
    from attndsl.job.replacement import replace_stage
    from attndsl.job.run import prepare
    from attndsl.job.scores import score_stage

    shares = shares_of(steps)
    settings = settings_of(model, programs, corpus, heads, out, revision, tokens, min_tokens, train, heldout, device)
    settings = changed(settings, steps=shares, repair=repair, **shared_out(workers, ray, keep_patterns))
    run = prepare(settings, Shown(quiet))
    measured = replace_stage(run, score_stage(run))
    if format is Format.JSON:
        print_json(measured)
    else:
        print_steps(measured)
    return 0


def report(
    run: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a finished run.", show_default=False)],
    format: FormatOption = Format.TEXT,
) -> int:
    """Print the tables of a finished run again, and say where its report is."""
    from attndsl.cli.output import print_json
    from attndsl.cli.tables import print_scores, print_steps
    from attndsl.runtime.table import Table

    content = _read_results(run)
    if format is Format.JSON:
        print_json(content)
        return 0
    rows = content["heads"]
    table = Table({name: [row[name] for row in rows] for name in rows[0]}, content["totals"])
    print_scores(table, content["model"]["name"], content["corpus"])
    print_steps(content["perplexity"])
    print(f"\nreport   {run / 'report.html'}\nresults  {run / 'results.json'}")
    return 0


# ---------------------------------------------------------------- options as settings


def settings_of(
    model: str,
    programs: list[Path] | None,
    corpus: str,
    heads: str | None,
    out: Path | None,
    revision: str | None,
    tokens: int,
    min_tokens: int | None,
    train: int,
    heldout: int,
    device: Device,
) -> Settings:
    """Options as the job's settings."""
    from attndsl.job.settings import Settings
    from attndsl.runtime.library import program_files

    return Settings(
        model=model,
        revision=revision,
        programs=tuple(file for path in programs or () for file in program_files(path)),
        corpus=corpus,
        heads=heads,
        out=out or default_folder(model),
        tokens=tokens,
        train=train,
        heldout=heldout,
        device=_device(device),
        min_tokens=min_tokens,
    )


def shared_out(workers: int, ray: str | None, keep_patterns: bool) -> dict[str, Any]:
    """Who does the work, as settings. Raises DiagnosticError E0807."""
    from attndsl.dsl.diagnostics import fail

    if workers < 1 and ray is None:
        raise fail("E0807", "there is no work without a worker", help="give --workers 1 or more")
    return {"workers": workers, "ray": ray, "keep_patterns": keep_patterns}


def default_folder(model: str) -> Path:
    """``attndsl-runs/MODEL``; organisation and name of a hub id both count, so that two models never share a folder."""
    path = Path(model)
    named = path.resolve().name if path.exists() else model
    safe = "".join(c if c.isalnum() or c in "-._" else "-" for c in named).strip("-.")
    return Path("attndsl-runs") / (safe or "model")


def _device(device: Device) -> str:
    if device is not Device.AUTO:
        return device.value
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def shares_of(steps: str) -> tuple[float, ...]:
    """``"0,10,25"`` as shares of one. Raises DiagnosticError E0807."""
    from attndsl.dsl.diagnostics import fail

    try:
        shares = tuple(float(part) / 100 for part in steps.split(","))
    except ValueError:
        shares = (-1.0,)
    if any(not 0 <= share <= 1 for share in shares):
        raise fail(
            "E0807", f"--steps {steps!r} are not percentages", help="give numbers from 0 to 100: --steps 0,10,25"
        )
    return shares


def _read_results(run: Path) -> Any:
    from attndsl.dsl.diagnostics import fail

    results = run / "results.json"
    try:
        content = json.loads(results.read_text(encoding="utf-8"))
        missing = {"model", "corpus", "totals", "heads", "perplexity"} - set(content)
    except (FileNotFoundError, NotADirectoryError):
        raise fail(
            "E0812", f"there is no finished run in {run}", help="attndsl explain --out FOLDER makes one"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise fail("E0812", f"{results} cannot be read: {error}", help="run attndsl explain again") from None
    if missing or not content["heads"]:
        raise fail("E0812", f"{results} is not the result of a run", help="run attndsl explain again")
    return content
