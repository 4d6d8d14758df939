"""The command qa: multiple-choice questions answered with heads replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

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

STEPS = "0,10,25,40"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("qa", rich_help_panel="Its parts")(qa)


def qa(
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
    questions: Annotated[
        list[Path] | None,
        typer.Option(
            "--questions",
            metavar="FILE",
            rich_help_panel=TEXTS,
            help="Questions as .jsonl (may be repeated): PIQA, Social IQa, or question, choices, answer.",
        ),
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option(
            "--tasks",
            metavar="LIST",
            rich_help_panel=TEXTS,
            help="Tasks of lm-evaluation-harness (needs attndsl[lm-eval]), such as "
            "piqa,social_iqa,hellaswag,arc_easy,winogrande,boolq.",
        ),
    ] = None,
    task_folder: Annotated[
        Path | None,
        typer.Option(
            "--task-folder",
            metavar="FOLDER",
            exists=True,
            rich_help_panel=TEXTS,
            help="Folder with more tasks for it, as .yaml.",
        ),
    ] = None,
    sample: Annotated[
        int,
        typer.Option(
            "--sample", metavar="N", min=1, rich_help_panel=TEXTS, help="Questions drawn of each file or task."
        ),
    ] = 400,
    steps: Annotated[
        str, typer.Option("--steps", metavar="LIST", help="Percent of heads to replace, in the order of train IoU.")
    ] = STEPS,
) -> int:
    """Answer multiple-choice questions with programs in place of heads, beside the unmodified model.

    The answer is the option with the greatest log-probability after the prompt. Writes qa.json into the folder of the
    run; resumable, a step at a time.

    Example: attndsl qa smollm2-135m --questions piqa.jsonl --tasks hellaswag,boolq --steps 0,10,25
    """
    from attndsl.cli.output import Shown, print_json, print_table
    from attndsl.dsl.diagnostics import fail
    from attndsl.job.qa import find_tasks, qa_stage, read_questions
    from attndsl.job.run import prepare

    shares = shares_of(steps)
    names = [name.strip() for name in (tasks or "").split(",") if name.strip()]
    if not questions and not names:
        raise fail("E0644", "no questions were given", help="name a file, --questions FILE.jsonl, or --tasks piqa")
    settings = settings_of(model, programs, corpus, heads, out, revision, tokens, min_tokens, train, heldout, device)
    asked = read_questions(questions or [], sample, settings.seed)
    if names:
        asked += find_tasks(names, sample, settings.seed, task_folder)
    run = prepare(settings, Shown(quiet))
    rows = qa_stage(run, asked, shares)
    run.folder.put_text("qa.json", json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    if format is Format.JSON:
        print_json(rows)
        return 0
    shown = [
        [row["task"], f"{100 * row['share']:.0f}%", row["heads"], row["questions"], row["accuracy"], row["error"],
         row["difference"], row["difference_error"]]
        for row in rows
    ]  # fmt: skip
    columns = ["task", "share", "heads", "questions", "accuracy", "s.e.", "difference", "its s.e."]
    print_table("heads replaced in the order of train IoU; difference to the unmodified model", columns, shown)
    print(f"\nresults  {run.folder.shown}/qa.json")
    return 0
