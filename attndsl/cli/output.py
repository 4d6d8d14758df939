"""What commands print: results on stdout, diagnostics and progress on stderr."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attndsl.dsl.diagnostics import Diagnostic


def show_diagnostics(diagnostics: Sequence[Diagnostic], format: str = "full") -> None:
    """Diagnostics on stderr."""
    from attndsl.dsl.render import render

    print(render(diagnostics, format), file=sys.stderr)


def print_json(data: Any) -> None:
    """One JSON value on stdout."""
    import json

    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    # Half surrogates come from file names and cannot be written in UTF-8: JSON's own escapes can.
    text = json.dumps(data, indent=2, ensure_ascii=encoding != "utf8")
    print(text if text.isascii() or not _has_surrogates(text) else json.dumps(data, indent=2))


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A title and a table on stdout; columns of numbers are right-aligned, long texts are folded."""
    import io

    from rich.console import Console
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        # Numbers are never folded: the columns of text give way.
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console = Console()
    if console.is_terminal:
        if title:
            console.print(title, style="bold", highlight=False, markup=False)
        console.print(table, highlight=False)
        return
    plain = Console(file=io.StringIO(), width=console.width)
    plain.print(table, highlight=False)
    lines = [line.rstrip() for line in plain.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    print("\n".join([title, *lines] if title else lines))


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value[:1] in "+-0123456789[–" and not any(c.isalpha() for c in value) and value != ""
    return value is None or isinstance(value, int | float)


def cell(value: Any) -> str:
    """A value as a table shows it; floats with three decimals. Rich reads ``[x]`` as mark-up, so it is escaped."""
    from rich.markup import escape

    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else escape(visible(str(value)))


def visible(text: str) -> str:
    """A text from a file or a model as one line that cannot move a terminal's cursor or change its colours."""
    marks = {"\n": "↵", "\t": "⇥"}
    return "".join(c if c.isprintable() else marks.get(c, "\N{REPLACEMENT CHARACTER}") for c in text)


class Shown:
    """Progress on stderr: on a terminal a bar with an estimate of the end, otherwise one line per stage."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Callable[[int, int], None]]:
        """A stage of ``total`` parts; the caller tells how many are done."""
        if self.quiet:
            yield lambda done, total: None
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description:<30}"), BarColumn(bar_width=20), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        )  # fmt: skip
        console = Console(stderr=True)
        if not console.is_terminal:
            self.note(what)
            yield lambda done, total: None
            return
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(what, total=total)
            yield lambda done, whole: progress.update(task, completed=done, total=whole)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """A stage whose end is not in sight."""
        if self.quiet:
            yield
            return
        from rich.console import Console

        console = Console(stderr=True)
        if console.is_terminal:
            with console.status(what):
                yield
        else:
            self.note(what)
            yield

    def note(self, text: str) -> None:
        """One line."""
        if not self.quiet:
            print(f"attndsl: {text}", file=sys.stderr)


def percent(value: float) -> str:
    """``+8.9%``."""
    return f"{value:+.1f}%"


def interval(total: Mapping[str, float | None]) -> str:
    """``0.483 [0.449, 0.522]``; without the interval where there is none."""
    if total["low"] is None or math.isnan(total["low"]):
        return f"{total['mean']:.3f}"
    return f"{total['mean']:.3f} [{total['low']:.3f}, {total['high']:.3f}]"


def counted(number: int, thing: str) -> str:
    """``1 program``, ``7 programs``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def spent(seconds: Mapping[str, float]) -> str:
    """``took 83 s, at most 1.7 GiB: extracting patterns 41 s, scoring train texts 22 s, ...``; the long stages first.

    Stages under a second are left out. Memory is the process's peak so far, where the system says it.
    """
    total = sum(seconds.values())
    longest = sorted((part for part in seconds.items() if part[1] >= 1), key=lambda part: -part[1])
    parts = ", ".join(f"{what} {taken:.0f} s" for what, taken in longest)
    return f"took {total:.0f} s{_peak_memory()}" + (f": {parts}" if parts else "")


def _peak_memory() -> str:
    try:
        import resource
    except ImportError:  # not on Windows
        return ""
    unit = 1 if sys.platform == "darwin" else 1024
    return f", at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30:.1f} GiB"
