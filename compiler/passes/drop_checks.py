"""Run-time checks that cannot fail, or that another check of the same program repeats, are dropped."""

from __future__ import annotations

from dataclasses import replace

from attndsl.compiler.ir import IRProgram


def drop_checks(program: IRProgram) -> IRProgram:
    """Keeps the first of equal checks, so that the error a user sees stays the same."""
    seen: set[tuple[int, str]] = set()
    kept = []
    for check in program.checks:
        never = check.fails.name == "const" and not check.fails.attr
        if not never and (check.fails.id, check.code) not in seen:
            seen.add((check.fails.id, check.code))
            kept.append(check)
    return program if len(kept) == len(program.checks) else replace(program, checks=tuple(kept))
