"""``attndsl score --patterns FOLDER``: a library against patterns that were extracted before."""

from __future__ import annotations

from pathlib import Path

from attndsl.cli.options import Format


def score_stored(
    patterns: Path | None, programs: list[Path] | None, table: Path | None, budget: bool, format: Format
) -> int:
    """Score or, with ``budget``, predict and stop. Raises DiagnosticError E0811 for ``budget`` without patterns."""
    from attndsl.cli.output import print_json
    from attndsl.cli.tables import print_forecast, print_scores
    from attndsl.dsl.diagnostics import fail
    from attndsl.job.forecast import find_store, forecast
    from attndsl.job.score import score, splits_of
    from attndsl.runtime.library import builtin_library, load_library
    from attndsl.runtime.table import check_ending

    if patterns is None:
        raise fail("E0811", "--budget needs --patterns", help="attndsl score --patterns FOLDER --budget")
    if table is not None:
        check_ending(table)
    store = find_store(patterns)
    causal = store.settings.causal
    library = load_library(programs, causal=causal) if programs else builtin_library(causal)
    if budget:
        expected = forecast(*splits_of(library, store))
        if format is Format.JSON:
            print_json(expected.to_json())
        else:
            print_forecast(expected)
        return 0
    found = score(library, store)
    if table is not None:
        found.write(table)
    if format is Format.JSON:
        print(found.to_json(), end="")
    else:
        print_scores(found, store.settings.model, str(patterns), every_head=True)
    return 0
