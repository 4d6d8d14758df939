"""Commands about runs: status, clean."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.options import Format, FormatOption, Quiet

if TYPE_CHECKING:
    from attndsl.store.status import Status

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Folder or URL of a run: its --out.", show_default=False)
]
PANEL = "Runs"


class What(StrEnum):
    """What can be dropped and made again."""

    PATTERNS = "patterns"
    SUMS = "sums"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("status", rich_help_panel=PANEL)(status)
    app.command("clean", rich_help_panel=PANEL)(clean)


def status(run: RunArgument, format: FormatOption = Format.TEXT) -> int:
    """Say what of a run is done, under way, failed, and what it took so far. Exit code 1 when units failed."""
    from attndsl.cli.output import print_json
    from attndsl.store.status import status as status_of

    found = status_of(run)
    if format is Format.JSON:
        print_json(found.to_json())
    else:
        _print(found)
    return 1 if found.failed else 0


def clean(
    run: RunArgument,
    what: Annotated[
        What, typer.Option("--drop", metavar="NAME", help="patterns, sums (of blocks of texts), or all of both.")
    ] = What.PATTERNS,
    quiet: Quiet = False,
    format: FormatOption = Format.TEXT,
) -> int:
    """Drop what a run can make again. Results are kept; what is needed later is made when it is needed.

    Example: attndsl clean attndsl-runs/smollm2-135m
    """
    from attndsl.cli.output import Shown, counted, print_json
    from attndsl.store.clean import clean as drop

    freed = drop(run, what.value, Shown(quiet).note)
    if format is Format.JSON:
        print_json(freed)
    else:
        print(f"dropped {counted(freed['files'], 'file')}, {size(freed['bytes'])}")
    return 0


def _print(found: Status) -> None:
    from attndsl.cli.output import counted, print_table

    owner = found.owner
    if owner is None:
        state = "nobody works on it"
    else:
        state = f"process {owner.get('pid')} on {owner.get('host')} works on it since {owner.get('since')}"
    shown = ("done", "running", "interrupted", "failed", "dropped", "again")
    columns = [name for name in shown if name in ("done", "failed") or any(_figure(found, name))]
    rows: list[list[Any]] = [
        [name, *(getattr(kind, column) for column in columns), round(kind.seconds, 1), round(kind.cpu_seconds, 1),
         size(kind.peak_bytes), size(kind.bytes)]
        for name, kind in found.kinds.items()
    ]  # fmt: skip
    print_table(f"{found.run}: {state}", ["unit", *columns, "seconds", "CPU s", "peak", "on disk"], rows)
    for row in found.running:
        print(f"running  {row['kind']} {row['what']} since {row['since']}")
    for row in found.failed:
        print(f"failed   {row['kind']} {row['what']}: {row['why']}")
    for name, line in found.damaged:
        print(f"damaged  line {line} of ledger/{name}")
    total = sum(kind.seconds for kind in found.kinds.values())
    print(f"\n{counted(found.sessions, 'session')}, {total:.0f} s of work, ${found.dollars}")


def _figure(found: Status, name: str) -> list[int]:
    return [getattr(kind, name) for kind in found.kinds.values()]


def size(number: int) -> str:
    """``3.2 MB``."""
    value, unit = float(number), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
