"""What the command compare found, as text and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attndsl.runtime.equivalence.compare import Comparison, Part, Verdict
    from attndsl.runtime.equivalence.differences import Witness
    from attndsl.runtime.equivalence.duplicates import Duplicates, Near

MOST_PAIRS = 40
_MEANING = {"raw": "matrix", "pattern": "pattern"}

# ---------------------------------------------------------------- as text


def print_comparison(done: Comparison) -> None:
    """Both answers, the text that shows a difference, and what was tried where nothing is known."""
    from attndsl.cli.output import visible

    print(f"{visible(done.first)!r} and {visible(done.second)!r}\n")
    print(f"matrix   {_said(done.raw)}")
    print(f"pattern  {_said(done.pattern)}")
    shown = done.raw.witness or done.pattern.witness
    if shown is not None:
        _print_witness(shown, "matrix" if done.raw.witness else "pattern")
    if done.raw.witness and done.pattern.witness and done.raw.witness.text != done.pattern.witness.text:
        _print_witness(done.pattern.witness, "pattern")
    for part, small, large in (
        (done.first_in_second, done.first, done.second),
        (done.second_in_first, done.second, done.first),
    ):
        said = part_text(part)
        if said:
            print(f"\n{visible(small)!r} is part of {visible(large)!r}: {said}")
    _print_tried(done)


def _said(verdict: Verdict) -> str:
    if verdict.answer == "equal":
        length = "for all texts" if verdict.tokens is None else f"for all texts of up to {verdict.tokens} tokens"
        return f"equal {length}: {verdict.how}"
    return verdict.answer


def part_text(part: Part) -> str:
    """How one program is part of another; "" when it is not known to be."""
    said = []
    if part.cells:
        said.append("in no cell of any text is its weight larger (proved)")
    if part.cells is None:
        said.append("in no cell of the texts tried was its weight larger (not proved)")
    if part.rules:
        said.append("its rules are some of the other's")
    return "; ".join(said)


def _print_witness(witness: Witness, meaning: str) -> None:
    from attndsl.cli.output import counted, visible

    least = "" if witness.minimal else ", not fully shortened"
    print(f"\na text of {counted(len(witness.tokens), 'token')} on which the {meaning} differs{least}")
    print(f"    {visible(witness.text)}")
    cell = witness.cell
    if cell.error:
        side = "first" if cell.first is None else "second"
        print(f"    the {side} program fails on it: {visible(cell.error)}")
        return
    query, key = (f"{at} {visible(witness.tokens[at])}" for at in (cell.query, cell.key))
    print(f"    query {query}, key {key}: {cell.first:.6g} and {cell.second:.6g}")


def _print_tried(done: Comparison) -> None:
    from attndsl.cli.output import counted

    unknown = "unknown" in (done.raw.answer, done.pattern.answer)
    if done.texts:
        failed = f"; both failed on {done.failed}" if done.failed == done.texts else ""
        print(f"\nran {counted(done.texts, 'text')} of up to {done.longest} tokens{failed}")
    if not unknown:
        return
    if not done.prover:
        print("no proof was tried: z3 is not installed (pip install 'attndsl[prove]')")
    else:
        print("no proof was found")
    every = done.enumerated
    if every is not None and every.why:
        print(f"short texts could not be run one and all: {every.why}")
    if every is not None and every.unreal:
        print("the programs differ on a row of tokens that no text was found for")


def print_duplicates(found: Duplicates, least: float) -> None:
    """One line per pair."""
    from attndsl.cli.output import counted, print_table

    pairs = f"{len(found.near)} pairs with a mean IoU of at least {least:g}"
    print(f"{counted(found.programs, 'program')} on {counted(found.texts, 'text')}: {pairs}\n")
    rows = [[near.first, near.second, near.iou, _matrix(near), _pattern(near)] for near in found.near[:MOST_PAIRS]]
    if rows:
        print_table("", ["program", "program", "IoU", "matrix", "pattern"], rows)
    if len(found.near) > MOST_PAIRS:
        print(f"\nand {len(found.near) - MOST_PAIRS} more; --format json has them all")
    if found.failed:
        print(f"\n{counted(len(found.failed), 'program')} failed on every text, the first: {found.failed[0][0]}")


def _matrix(near: Near) -> str:
    return "" if near.comparison is None else _short(near.comparison.raw)


def _pattern(near: Near) -> str:
    return "nearly" if near.comparison is None else _short(near.comparison.pattern)


def _short(verdict: Verdict) -> str:
    if verdict.answer != "equal":
        return verdict.answer
    return "equal" if verdict.tokens is None else f"equal up to {verdict.tokens} tokens"


# ---------------------------------------------------------------- as data


def comparison_json(done: Comparison) -> dict[str, Any]:
    """The outcome as plain data."""
    every = done.enumerated
    return {
        "first": done.first, "second": done.second, "matrix": _verdict_json(done.raw),
        "pattern": _verdict_json(done.pattern),
        "first_in_second": {"cells": done.first_in_second.cells, "rules": done.first_in_second.rules},
        "second_in_first": {"cells": done.second_in_first.cells, "rules": done.second_in_first.rules},
        "texts": done.texts, "longest": done.longest, "failed": done.failed, "stopped": done.stopped,
        "prover": done.prover,
        "enumerated": None if every is None else {
            "tokens": {_MEANING[meaning]: tokens for meaning, tokens in every.tokens.items()},
            "letters": every.letters, "rows": every.rows, "why": every.why,
            "unreal": sorted(_MEANING[meaning] for meaning in every.unreal),
        },
    }  # fmt: skip


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    witness = verdict.witness
    return {
        "answer": verdict.answer, "how": verdict.how, "tokens": verdict.tokens,
        "witness": None if witness is None else {
            "text": witness.text, "tokens": list(witness.tokens), "minimal": witness.minimal,
            "query": witness.cell.query, "key": witness.cell.key, "first": witness.cell.first,
            "second": witness.cell.second, "error": witness.cell.error,
        },
    }  # fmt: skip


def duplicates_json(found: Duplicates) -> dict[str, Any]:
    """All pairs as plain data."""
    return {
        "programs": found.programs, "texts": found.texts, "failed": [list(one) for one in found.failed],
        "pairs": [
            {"first": near.first, "second": near.second, "iou": near.iou,
             "comparison": None if near.comparison is None else comparison_json(near.comparison)}
            for near in found.near
        ],
    }  # fmt: skip
