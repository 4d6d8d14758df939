"""The command that finds programs: ``attndsl synth``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.jobs import DEFAULT_MODEL, settings_of
from attndsl.cli.options import (
    PROGRAMS,
    Corpus,
    Device,
    DeviceOption,
    Format,
    FormatOption,
    Heads,
    Heldout,
    MinTokens,
    Model,
    Out,
    ProgramFiles,
    Quiet,
    Revision,
    RoadName,
    Tokens,
    Train,
)

if TYPE_CHECKING:
    from attndsl.job.roads import RoadOptions
    from attndsl.job.synth import Synthesized

MODEL_PANEL = "Language model"
COST = "Cost"


class Language(StrEnum):
    """What a language model is asked to write."""

    ATTN = "attn"
    PYTHON = "python"


class Effort(StrEnum):
    """How much a model thinks."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


def _option(name: str, panel: str, help: str, metavar: str | None = None, **more: Any) -> Any:
    return typer.Option(name, metavar=metavar, rich_help_panel=panel, help=help, **more)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("synth", rich_help_panel="Its parts")(synth)


def synth(
    model: Model = DEFAULT_MODEL,
    road: Annotated[
        RoadName, _option("--synth", PROGRAMS, "search (no language model), anthropic, or local.", "NAME")
    ] = RoadName.SEARCH,
    programs: ProgramFiles = None,
    corpus: Corpus = "stories",
    heads: Heads = None,
    out: Out = None,
    revision: Revision = None,
    tokens: Tokens = 128,
    min_tokens: MinTokens = None,
    train: Train = 40,
    validation: Annotated[
        int, _option("--validation", "Texts", "Train texts kept apart to choose programs on.", "N", min=1)
    ] = 10,
    heldout: Heldout = 20,
    device: DeviceOption = Device.CPU,
    quiet: Quiet = False,
    format: FormatOption = Format.TEXT,
    rules: Annotated[
        int, _option("--rules", PROGRAMS, "Rules that a program of the search has at most.", "N", min=1)
    ] = 12,
    llm_model: Annotated[
        str | None,
        _option("--llm-model", MODEL_PANEL, "Claude model id, or model of the local road as MODEL names it.", "NAME"),
    ] = None,
    write: Annotated[
        Language, _option("--write", MODEL_PANEL, "What it writes: attn or python; compiled, never run.", "NAME")
    ] = Language.ATTN,
    rounds: Annotated[int, _option("--rounds", MODEL_PANEL, "Rounds per head at most.", "N", min=1)] = 3,
    samples: Annotated[int, _option("--samples", MODEL_PANEL, "Answers per head and round.", "N", min=1)] = 1,
    repairs: Annotated[
        int, _option("--repairs", MODEL_PANEL, "How often an unusable answer goes back with its messages.", "N", min=0)
    ] = 1,
    max_tokens: Annotated[
        int | None, _option("--max-tokens", MODEL_PANEL, "Tokens of one answer at most.", "N", min=1)
    ] = None,
    effort: Annotated[
        Effort | None, _option("--effort", MODEL_PANEL, "low to max, for models that have it.", "NAME")
    ] = None,
    seed: Annotated[int, _option("--seed", MODEL_PANEL, "Seed of the local model's samples.", "N")] = 0,
    max_cost: Annotated[
        str, _option("--max-cost", COST, "Dollars that all requests of this folder cost at most.", "X")
    ] = "5",
    prices: Annotated[
        Path | None, _option("--prices", COST, "Table of prices (JSON) instead of the built-in one.", "FILE")
    ] = None,
    batch: Annotated[bool, _option("--batch", COST, "Ask in batches: half the price, answers within a day.")] = False,
    poll: Annotated[float, _option("--poll", COST, "Seconds between two looks at a batch.", "S", min=0.01)] = 60.0,
    parallel: Annotated[
        int, _option("--parallel", COST, "Requests, or heads of the search, under way at once.", "N", min=1)
    ] = 4,
    dry_run: Annotated[bool, _option("--dry-run", COST, "Say what it would cost, ask nothing.")] = False,
    replay: Annotated[
        Path | None,
        _option("--replay", COST, "Answers from the calls.jsonl of an earlier run: no key, no cost.", "FILE"),
    ] = None,
) -> int:
    """Find programs for the heads: chosen on validation texts, reported on held-out ones. Resumable.

    Example: attndsl synth smollm2-135m --synth anthropic --heads L5,L6 --max-cost 2
    """
    from attndsl.job.roads import RoadOptions

    settings = settings_of(model, programs, corpus, heads, out, revision, tokens, min_tokens, train, heldout, device)
    options = RoadOptions(
        llm_model, write.value, rounds, samples, repairs, max_tokens, effort.value if effort else None,
        _dollars(max_cost), prices, batch, poll, parallel, replay, dry_run, seed, rules,
    )  # fmt: skip
    return _run(settings, road.value, options, validation, quiet, format)


def _run(settings: Any, road: str, options: RoadOptions, validation: int, quiet: bool, format: Format) -> int:
    from attndsl.cli.output import Shown, print_json, print_table
    from attndsl.job.roads import DryRun, Said, road_of
    from attndsl.job.synth import synthesize

    said = Said()
    try:
        done = synthesize(settings, road_of(road, options, said), Shown(quiet), validation=validation)
    except DryRun as dry:
        if format is Format.JSON:
            print_json(dry.forecast)
        else:
            print_table("what the run would cost, in dollars at most", ["what", "figure"], list(dry.forecast.items()))
        return 0
    if format is Format.JSON:
        print_json({**done.results, "road": {"name": road, **said.content}})
    else:
        _print(done, settings, said.content)
    return 0


def _print(done: Synthesized, settings: Any, said: dict[str, Any]) -> None:
    from attndsl.cli.output import counted, print_table
    from attndsl.cli.tables import print_scores

    print_scores(done.table, settings.model, settings.corpus)
    results = done.results
    print_table("\nheads by kind of program", ["kind", "heads"], list(results["kinds"].items()))
    own, covered = results["intended"], results["coverage"]
    print(
        f"\n{counted(results['library']['found'], 'program')} found; "
        f"{counted(covered[-1][0], 'distinct program')} for "
        f"{counted(covered[-1][1], 'head')}; {own['own_program_chosen']} of {own['heads_with_own_programs']} heads "
        "keep a program that was written for them"
    )
    for title, counts in said.get("tally", {}).items():
        if counts:
            print_table(f"\n{title}", ["what became of them", "number"], list(counts.items()))
    if "dollars" in said:
        print(f"\ncost     ${said['dollars']}")
    print(f"programs {done.programs}")


def _dollars(text: str) -> Any:
    """Dollars as an exact number. Raises DiagnosticError E0807."""
    from decimal import Decimal, InvalidOperation

    from attndsl.dsl.diagnostics import fail

    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise fail("E0807", f"--max-cost {text!r} is not an amount of dollars", help="give a number: --max-cost 2.50")
    return amount
