"""What commands print: results on stdout, diagnostics and progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attndsl.dsl.diagnostics import DiagnosticError


def show_error(error: DiagnosticError) -> None:
    """All diagnostics of an error, in full, on stderr."""
    from attndsl.dsl.render import render

    print(render(error.diagnostics), file=sys.stderr)


def print_json(data: Any) -> None:
    """One JSON value on stdout."""
    import json

    print(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on stdout; numbers are right-aligned."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) or _number_like(row[index]) for row in rows)
        table.add_column(column, justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    Console().print(table, highlight=False)


def _number_like(value: Any) -> bool:
    return isinstance(value, str) and value[:1] in "+-0123456789" and value != ""


def cell(value: Any) -> str:
    """A value as a table shows it; floats with three decimals."""
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


class Shown:
    """Progress on stderr: a bar with an estimate of the end for everything that may take over two seconds."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Callable[[int, int], None]]:
        if self.quiet:
            yield lambda done, total: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:<34}"), BarColumn(bar_width=28), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        )  # fmt: skip
        console = Console(stderr=True)
        if not console.is_terminal:
            print(f"attndsl: {what} ...", file=sys.stderr)
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task(what, total=total)
            yield lambda done, whole: progress.update(task, completed=done, total=whole)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        if self.quiet:
            yield
            return
        from rich.console import Console

        console = Console(stderr=True)
        if console.is_terminal:
            with console.status(what):
                yield
        else:
            print(f"attndsl: {what} ...", file=sys.stderr)
            yield

    def note(self, text: str) -> None:
        if not self.quiet:
            print(f"attndsl: {text}", file=sys.stderr)


def percent(value: float) -> str:
    return f"{value:+.1f}%"


def interval(total: Mapping[str, float]) -> str:
    """``0.483 [0.449, 0.522]``."""
    return f"{total['mean']:.3f} [{total['low']:.3f}, {total['high']:.3f}]"
