"""Objects as HTML, for notebooks: ``_repr_html_`` of programs, libraries, tables and findings is made here.

Names, claims and texts come from files that nobody vouches for: everything is escaped, in one place (``cell``). Colours
are those of the notebook's theme, so that both light and dark ones can be read.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attndsl.runtime.falsify.coverage import Coverage
    from attndsl.runtime.falsify.report import Counterexample
    from attndsl.runtime.program import Program
    from attndsl.runtime.table import Table

MOST_ROWS = 60
"""Rows of a table that are shown; the rest are counted."""
COLUMNS = ("head", "program", "train_iou", "held_out_iou", "lift", "best_baseline", "iou_without_sink", "js_distance")
"""Columns of a score table that are shown; the table keeps all of them."""
_PRE = "white-space:pre-wrap;text-align:left;margin:4px 0"


def cell(value: Any) -> str:
    """One value as safe HTML; floats with three decimals."""
    text = f"{value:.3f}" if isinstance(value, float) else "–" if value is None else str(value)
    return html.escape(text)


def rows_html(headers: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> str:
    """A table of plain values; rows beyond ``MOST_ROWS`` are counted."""
    listed = list(rows)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{cell(value)}</td>" for value in row) + "</tr>"
        for row in listed[:MOST_ROWS]
    )
    more = len(listed) - MOST_ROWS
    rest = f"<p>{more} more rows</p>" if more > 0 else ""
    head = "".join(f"<th style='text-align:left'>{cell(name)}</th>" for name in headers)
    title = f"<caption style='text-align:left'>{cell(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def program_html(program: Program) -> str:
    """Name, outcome, claim, text or the reasons why it was refused."""
    cost = f", {program.cost}" if program.cost else ""
    parts = [f"<b>{cell(program.name)}</b> <span>{cell(program.outcome.value)}{cell(cost)}</span>"]
    if program.claim:
        parts.append(f"<br><i>{cell(program.claim)}</i>")
    if program.typed is not None:
        parts.append(f"<pre style='{_PRE}'>{cell(program.to_attn())}</pre>")
    if program.reads:
        parts.append(f"<small>reads {cell(', '.join(program.reads))}</small>")
    if program.diagnostics:
        from attndsl.dsl.render import render

        parts.append(f"<pre style='{_PRE}'>{cell(render(program.diagnostics))}</pre>")
    return "<div>" + "".join(parts) + "</div>"


def library_html(library: Mapping[str, Program]) -> str:
    """One line per program."""
    from attndsl.runtime.program import describe_outcomes

    counts = ", ".join(f"{n} {name}" for name, n in describe_outcomes(list(library.values())).items() if n)
    rows = [
        (p.name, p.outcome.value, p.cost, ", ".join(p.reads), ", ".join(d.code for d in p.diagnostics), p.claim)
        for p in library.values()
    ]
    caption = f"{len(library)} programs: {counts}" if counts else "no programs"
    return rows_html(("program", "outcome", "cost", "reads", "diagnostics", "claim"), rows, caption)


def table_html(table: Table) -> str:
    """A score table in short; any other table whole."""
    names = [name for name in COLUMNS if name in table.columns] if "held_out_iou" in table.columns else []
    names = names or list(table.columns)
    meta = table.meta.get("held_out_iou")
    n = table.meta.get("tokens", {}).get("most")
    caption = f"mean held-out IoU {meta['mean']:.3f} at n = {n}" if isinstance(meta, Mapping) and n else ""
    headers = [name.replace("_", " ").replace("iou", "IoU") for name in names]
    return rows_html(headers, ([row[name] for name in names] for row in table.rows()), caption)


def coverage_html(found: Coverage) -> str:
    """One line per rule."""
    iou = "" if found.iou is None else f", IoU {found.iou:.3f}"
    caption = f"{found.program} on {found.texts} texts{iou}"
    rows = [
        (u.rule.number, u.rule.text, f"{u.texts:.0%}", f"{u.rows:.0%}", u.mass, u.iou_lost, u.verdict)
        for u in found.rules
    ]
    return rows_html(("rule", "text", "texts", "rows", "mass", "IoU lost", "verdict"), rows, caption)


def counterexample_html(found: Counterexample) -> str:
    """The text, both patterns side by side, and the rule to blame."""
    head = f"<b>IoU {found.trial.iou:.3f}</b>, below {found.threshold:.3f}: <q>{cell(found.trial.text)}</q>"
    sides = "".join(
        f"<td style='vertical-align:top'>{pattern_html(pattern, found.tokens, title)}</td>"
        for pattern, title in ((found.program, "program"), (found.head, "head"))
    )
    blamed = [s for s in found.suspects if s.share > 0][:1]
    blame = "".join(f"<p>to blame: <code>{cell(s.rule.text)}</code></p>" for s in blamed)
    return f"<div>{head}<table><tr>{sides}</tr></table>{blame}</div>"


def pattern_html(pattern: Any, tokens: Sequence[str], title: str = "") -> str:
    """A pattern [query, key] as a table shaded by weight, rows and columns named by ``tokens``."""
    head = "".join(f"<th style='font-weight:normal'>{cell(token)}</th>" for token in tokens)
    body = "".join(
        f"<tr><th style='text-align:right;font-weight:normal'>{cell(token)}</th>"
        + "".join(_weight(float(weight)) for weight in row)
        + "</tr>"
        for token, row in zip(tokens, pattern, strict=True)
    )
    caption = f"<caption style='text-align:left'>{cell(title)}</caption>" if title else ""
    return f"<table>{caption}<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>"


def _weight(weight: float) -> str:
    # the root of the weight, as in the report: 0.04 can still be seen; half see-through, so that any theme shows
    shade = f"rgba(60,130,190,{min(1.0, max(0.0, weight)) ** 0.5 * 0.8:.2f})"
    return f"<td style='background:{shade};text-align:right'>{weight:.2f}</td>"
