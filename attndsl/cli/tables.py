"""The tables of the jobs, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attndsl.cli.output import counted, interval, percent, print_table, visible

if TYPE_CHECKING:
    from attndsl.job.forecast import Forecast
    from attndsl.job.replacement import Step
    from attndsl.runtime.table import Table

TOTALS = {
    "held_out_iou": "held-out IoU",
    "first_token_iou": "first-token baseline",
    "best_baseline_iou": "best baseline",
    "lift": "lift over best baseline",
    "iou_without_sink": "IoU without sink",
    "js_distance": "Jensen-Shannon distance",
}
BEST = 10


def print_scores(table: Table, model: str, corpus: str, every_head: bool = False) -> None:
    """Totals over heads, scores by context length, and the best heads (or all)."""
    meta: Any = table.meta
    tokens = meta["tokens"]
    sizes = f"{counted(meta['heads'], 'head')}, {counted(meta['programs'], 'program')}"
    least, most = tokens["least"], tokens["most"]
    print(f"{visible(model)} on {visible(corpus)}: {sizes},")
    print(
        f"chosen on {counted(meta['train_sentences'], 'train text')}, "
        f"reported on {counted(meta['held_out_sentences'], 'held-out text')} of "
        f"{most if least == most else f'{least}-{most}'} tokens"
    )
    rows = [[label, interval(meta[name]), meta[name]["median"]] for name, label in TOTALS.items()]
    print_table(f"\nover heads, n = {most}", ["score", "mean [95% over texts]", "median"], rows)
    _print_lengths(meta)
    _print_heads(table, every_head)
    if meta.get("failures"):
        print(f"\n{len(meta['failures'])} program runs failed, the first: {meta['failures'][0]['error']}")


def _print_lengths(meta: dict[str, Any]) -> None:
    rows = [
        [int(name.removeprefix("at_")), at["held_out_iou"]["mean"], at["held_out_iou"]["median"],
         at["first_token_iou"]["mean"], at["best_baseline_iou"]["mean"], at["lift"]["mean"]]
        for name, at in meta.items() if name.startswith("at_")
    ]  # fmt: skip
    if rows:
        print_table("\nby context length", ["n", "IoU", "median", "first token", "best baseline", "lift"], rows)


def _print_heads(table: Table, every_head: bool) -> None:
    def held_out(row: Any) -> float:
        return -float(row["held_out_iou"] or 0)

    rows = [
        [row["head"], row["program"], row["train_iou"], row["held_out_iou"], row["lift"]]
        for row in sorted(table.rows(), key=held_out)
    ]
    whole = every_head or len(rows) <= BEST
    title = "\nheads" if whole else f"\nbest {BEST} of {len(rows)} heads"
    print_table(title, ["head", "program", "train IoU", "held-out IoU", "lift"], rows if whole else rows[:BEST])


def print_steps(steps: list[Step]) -> None:
    """Perplexity by share of heads replaced."""
    if not steps:
        return
    columns = ["perplexity", "increase", "95% interval"]
    rows = [[f"{100 * s['share']:.0f}%", s["heads"], *_cost(s)] for s in steps]
    print_table("\nheads replaced in the order of train IoU", ["share", "heads", *columns], rows)
    repaired = [[row[0], row[1], *_cost(s["repaired"])] for row, s in zip(rows, steps, strict=True) if "repaired" in s]
    if repaired:
        print_table("\nthe same with each head repaired on train texts", ["share", "heads", *columns], repaired)


def _cost(step: Step) -> list[Any]:
    low, high = step["low"], step["high"]
    between = None if low is None else f"[{percent(low)}, {percent(high)}]"
    return [step["perplexity"], percent(step["increase_percent"]), between]


def print_forecast(expected: Forecast) -> None:
    """Sizes of a job and what it will need."""
    sizes = f"{counted(expected.programs, 'program')}, {counted(expected.heads, 'head')}"
    print(
        f"{sizes}, {expected.train_texts} train and {expected.heldout_texts} held-out texts of {expected.tokens} tokens"
    )
    print(
        f"expected: {expected.cpu_seconds:.3g} s of CPU time, {expected.seconds:.3g} s of waiting, "
        f"{expected.bytes / 2**20:.0f} MiB beside the program itself"
    )
