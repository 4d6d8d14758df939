"""What ``attndsl compile --verify`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attndsl.cli.output import counted, print_table, visible

if TYPE_CHECKING:
    from attndsl.job.verification import Verification
    from attndsl.runtime.oracle import Mismatch

SHOWN = 20


def print_verification(found: Verification) -> None:
    """Largest difference per back end, then every disagreement with text, query, key and both values."""
    from attndsl.job.verification import INTERPRETED
    from attndsl.runtime.oracle import TOLERANCE

    least, most = found.tokens
    print(
        f"\nagainst CPython: {counted(len(found.verdicts), 'program')} on {counted(found.texts, 'text')} of "
        f"{least}-{most} tokens, raw and normalised (the interpreter on those up to {INTERPRETED} tokens)"
    )
    apart = [(found.refused, "refused"), (found.without_source, "without Python source")]
    if any(number for number, _ in apart):
        print("not compared: " + ", ".join(f"{number} {what}" for number, what in apart if number))
    rows = [
        [name, programs, runs, f"{largest:.1e}", wrong] for name, programs, runs, largest, wrong in found.by_backend()
    ]
    if rows:
        print_table("", ["back end", "programs", "comparisons", "max |Δ|", f"disagree (> {TOLERANCE:.0e})"], rows)
    raised = sum(v.raised for v in found.verdicts)
    if raised:
        print(f"{counted(raised, 'run')} ended in an exception in CPython; agreed when ours fails at the same line")
    for verdict in found.verdicts:
        if verdict.unavailable:
            print(f"not compared: {visible(verdict.program)}: {visible(verdict.unavailable)}")
    if found.mismatches:
        _print_disagreements(found.mismatches)
    elif found.verdicts and found.ok:
        print("no disagreement")


def _print_disagreements(mismatches: list[Mismatch]) -> None:
    rows = [
        [m.program, m.backend, m.what, m.place[0] if m.place else None, m.place[1] if m.place else None,
         m.expected, m.found, m.text[:60]]
        for m in mismatches[:SHOWN]
    ]  # fmt: skip
    more = f", the first {SHOWN} of {len(mismatches)}" if len(mismatches) > SHOWN else ""
    columns = ["program", "back end", "what", "q", "k", "CPython", "ours", "text"]
    print_table(f"\ndisagreements{more}", columns, rows)
