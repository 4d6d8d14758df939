"""The command diff: two runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.options import OUTPUT, Format, FormatOption

if TYPE_CHECKING:
    from attndsl.job.diff import Change, Diff, HeadChange

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run, or its results or table.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", rich_help_panel="Runs")(diff)


def diff(
    first: RunFolder,
    second: RunFolder,
    most: Annotated[
        int,
        typer.Option("--most", metavar="N", min=0, rich_help_panel=OUTPUT, help="Heads to show; 0 shows all of them."),
    ] = 30,
    format: FormatOption = Format.TEXT,
) -> int:
    """Show which heads' programs and scores changed between two runs, of two checkpoints or two models.

    Example: attndsl diff attndsl-runs/before attndsl-runs/after
    """
    from attndsl.cli.output import print_json
    from attndsl.job import diff as job

    found = job.diff(first, second)
    if format is Format.JSON:
        print_json(diff_json(found))
    else:
        print_diff(found, most or len(found.heads))
    return 0


def print_diff(found: Diff, most: int) -> None:
    """What changed, in sum and head by head."""
    from attndsl.cli.output import counted, print_table, visible

    for which, run in (("first", found.first), ("second", found.second)):
        about = f"{counted(len(run.heads), 'head')} of {visible(run.model or '?')} on {visible(run.corpus or '?')}"
        print(f"{which:<7} {visible(run.name)}: {about}")
    if found.first.corpus != found.second.corpus:
        print("the runs are on different texts: differences of scores are differences of texts too")
    kinds = [change.program for change in found.heads]
    print(f"\n{_alignment(found)}")
    said = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("same", "equal", "edited", "other") if kind in kinds)
    print(f"programs: {said}")
    mean = found.mean
    print(f"mean held-out IoU {mean.before:.3f} -> {mean.after:.3f} ({mean.difference:+.3f}); "
          f"{sum(c.iou.clear for c in found.heads)} heads with an interval beside 0\n")  # fmt: skip
    rows = [_row(change, found.aligned == "same head") for change in found.heads[:most]]
    columns = ["head", "program", "before", "after", "difference", "lift"]
    print_table("largest changes of held-out IoU", columns, rows)
    if len(found.heads) > most:
        print(f"\nand {len(found.heads) - most} more: --most 0 shows all")
    for names, run in ((found.only_first, found.first), (found.only_second, found.second)):
        if names:
            print(f"\nonly in {visible(run.name)}: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}")


def _alignment(found: Diff) -> str:
    if found.aligned == "same head":
        return f"{len(found.heads)} heads, each beside the head of the same place"
    return (
        f"{len(found.heads)} heads; the models differ in shape, so each stands beside its best match: "
        "the same program, then the same depth, then the nearest score"
    )


def _row(change: HeadChange, same_place: bool) -> list[Any]:
    head = change.first if same_place else f"{change.first} / {change.second}"
    before, after = change.programs
    program = before if before == after else f"{before} -> {after}"
    if change.program in ("edited", "equal"):
        program += f" ({change.program})"
    lift = "" if change.lift is None else f"{change.lift.difference:+.3f}"
    return [head, program, change.iou.before, change.iou.after, _difference(change.iou), lift]


def _difference(change: Change) -> str:
    if change.low is None or change.high is None:
        return f"{change.difference:+.3f}"
    return f"{change.difference:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"


def diff_json(found: Diff) -> dict[str, Any]:
    """The differences as plain data."""
    return {
        "first": _run_json(found.first), "second": _run_json(found.second), "aligned": found.aligned,
        "mean_held_out_iou": _change_json(found.mean),
        "heads": [
            {"first": change.first, "second": change.second, "programs": list(change.programs),
             "program": change.program, "held_out_iou": _change_json(change.iou),
             "lift": None if change.lift is None else _change_json(change.lift)}
            for change in found.heads
        ],
        "only_first": list(found.only_first), "only_second": list(found.only_second),
    }  # fmt: skip


def _run_json(run: Any) -> dict[str, Any]:
    return {
        "run": run.name, "model": run.model, "fingerprint": run.fingerprint, "corpus": run.corpus,
        "heads": len(run.heads),
    }  # fmt: skip


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "before": change.before, "after": change.after, "difference": change.difference, "low": change.low,
        "high": change.high,
    }  # fmt: skip
