"""The command damage: what each replaced head costs, and in which order replacing costs least."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.jobs import DEFAULT_MODEL, settings_of, shares_of
from attndsl.cli.options import (
    TEXTS,
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
    Tokens,
    Train,
)

if TYPE_CHECKING:
    from attndsl.job.study import Study

STEPS = "5,10,25,40,50"
SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("damage", rich_help_panel="Its parts")(damage)


def damage(
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
    quiet: Quiet = False,
    format: FormatOption = Format.TEXT,
    steps: Annotated[str, typer.Option("--steps", metavar="LIST", help="Percent of heads to replace.")] = STEPS,
    damage_texts: Annotated[
        int,
        typer.Option(
            "--damage-texts",
            metavar="N",
            min=1,
            rich_help_panel=TEXTS,
            help="Train texts at most on which each head's damage is measured.",
        ),
    ] = 4,
) -> int:
    """Measure what each replaced head costs by itself, and orders of replacement beside controls.

    Perplexity grows with the share of heads replaced, in the order of train IoU, of measured damage, and at random; the
    controls put random programs, uniform attention, the first token, or a positional baseline in the same heads.
    Writes damage.json into the folder of the run; resumable, a text at a time.
    """
    from attndsl.cli.output import Shown, print_json
    from attndsl.job.run import prepare
    from attndsl.job.study import damage_stage

    shares = [share for share in shares_of(steps) if share]
    settings = settings_of(model, programs, corpus, heads, out, revision, tokens, min_tokens, train, heldout, device)
    run = prepare(settings, Shown(quiet))
    study = damage_stage(run, shares, damage_texts)
    run.folder.put_text("damage.json", json.dumps(study, indent=1, ensure_ascii=False) + "\n")
    if format is Format.JSON:
        print_json(study)
    else:
        print_study(study)
        print(f"\nresults  {run.folder.shown}/damage.json")
    return 0


def print_study(study: Study) -> None:
    """Damage by head, rank correlations, curves."""
    from attndsl.cli.output import counted, print_table

    rows = sorted(study["heads"], key=lambda row: -float(row["damage"]))
    print(
        f"damage in nats per token on {counted(study['train_texts'], 'train text')},"
        f" curves on {counted(study['heldout_texts'], 'held-out text')}"
    )
    shown = [
        [row["head"], row["program"], row["damage"], _bounds(row), row["train_IoU"], row["output_weighted_distance"]]
        for row in rows[:SHOWN]
    ]
    title = "\nheads" if len(rows) <= SHOWN else f"\nmost damaging {SHOWN} of {len(rows)} heads"
    print_table(title, ["head", "program", "damage", "95% over texts", "train IoU", "distance"], shown)
    correlated = [[name, found["point"], _bounds(found)] for name, found in study["correlations"].items()]
    print_table("\nrank correlation of damage with", ["score", "Spearman", "95%"], correlated)
    _print_curves(study)


def _print_curves(study: Study) -> None:
    from attndsl.cli.output import percent, print_table

    rows = [
        [step["order"], step["programs"], f"{100 * step['share']:.0f}%", percent(step["increase_percent"]),
         None if step["low"] is None else f"[{percent(step['low'])}, {percent(step['high'])}]"]
        for step in study["curves"]
    ]  # fmt: skip
    title = f"\nperplexity over {study['perplexity']:.2f} of the unmodified model"
    print_table(title, ["order", "put in", "share", "increase", "95% over texts"], rows)


def _bounds(row: Any) -> str:
    return "–" if row["low"] is None else f"[{row['low']:.3f}, {row['high']:.3f}]"
