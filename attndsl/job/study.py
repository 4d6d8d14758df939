"""Stage: what each replacement costs alone, and what growing shares cost in several orders, beside controls.

Programs are chosen, and heads ordered, on train texts; the curves are measured on held-out texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.job.damage import Damage, Head, Variant, rank_interval, single_variants, variant_losses
from attndsl.job.positional import PositionalBaseline
from attndsl.job.replacement import increase, provider_of
from attndsl.job.run import Run
from attndsl.job.scores import chosen_programs, in_iou_order, score_stage
from attndsl.runtime.library import builtin_library
from attndsl.runtime.table import Table

SHARES = (0.05, 0.10, 0.25, 0.40, 0.50)
RANDOM_ORDERS = 3
Study = dict[str, Any]


def damage_stage(run: Run, shares: Sequence[float] = SHARES, train_texts: int = 4) -> Study:
    """Marginal damage per head with intervals, its rank correlations, and the curves. JSON-able.

    ``train_texts``: how many train texts damage is measured on. Finished texts are not run again.
    Raises DiagnosticError E0639 for a model without perplexity.
    """
    from attndsl.models.perplexity import require_next_tokens

    require_next_tokens(run.loaded.model, run.causal)
    table = score_stage(run)
    programs = chosen_programs(run, table)
    texts = [text.text for text in run.texts("train")[:train_texts]]
    singles = single_variants(programs, run.loaded.tokenizer)
    names = [program.name for program in programs.values()]
    base, tokens, nll = _measured(run, "measuring each head's damage", texts, singles, ("alone", run.head_names, names))
    damage = Damage(tuple(run.heads), (nll - base) / tokens)
    distances = _distances(run, texts, programs)
    scores = {
        "train IoU": np.array([float(x) for x in table["train_iou"]]),  # type: ignore[arg-type]
        "lift": np.array([float(x) for x in table["lift"]]),  # type: ignore[arg-type]
        "output-weighted distance": distances,
    }
    return {
        "train_texts": len(texts),
        "heldout_texts": len(run.texts("heldout")),
        "heads": _head_rows(run, names, damage, scores),
        "correlations": {name: _interval(rank_interval(damage.nats, score)) for name, score in scores.items()},
        **_curves(run, table, damage, shares),
    }


def _measured(
    run: Run, what: str, texts: Sequence[str], variants: Sequence[Variant], key: tuple[Any, ...]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Summed losses of the unmodified model [texts], tokens [texts], losses of the variants [variants, texts]."""
    rows = []
    total = len(texts) * len(variants)
    with run.progress.bar(what, total) as advance:
        for number, text in enumerate(texts):

            def shown(done: int, _: int, before: int = number * len(variants)) -> None:
                advance(before + done, total)

            address = run.key("damage", text, *key)
            known = run.stages.load("damage", address)
            if known is None:
                base, nll = variant_losses(run.loaded, [text], variants, progress=shown)
                known = {"nll": float(base.nll[0]), "tokens": int(base.tokens[0]), "variants": nll[:, 0].tolist()}
                run.stages.save("damage", address, known)
            rows.append(known)
    return (
        np.array([row["nll"] for row in rows]),
        np.array([row["tokens"] for row in rows]),
        np.array([row["variants"] for row in rows]).T,
    )


def _distances(run: Run, texts: Sequence[str], programs: dict[Head, Any]) -> NDArray[np.float64]:
    """Mean output-weighted distance of each head's own program on these texts, float64 [heads]."""
    from attndsl.models.encode import encode
    from attndsl.models.output_distance import output_distances

    distinct = list({id(program): program for program in programs.values()}.values())
    place = {id(program): number for number, program in enumerate(distinct)}
    chosen = [place[id(program)] for program in programs.values()]
    provider = provider_of(distinct, True, run.loaded.tokenizer)
    total = np.zeros(len(run.heads))
    for text in texts:
        ids = encode(text, run.loaded.tokenizer)
        found = output_distances(run.loaded.model, ids, run.heads, provider(ids), layout=run.loaded.layout)
        total += found[range(len(chosen)), chosen].numpy()
    return total / len(texts)


def _head_rows(run: Run, names: list[str], damage: Damage, scores: dict[str, NDArray[np.float64]]) -> list[Study]:
    rows = []
    for number, (low, mean, high) in enumerate(damage.intervals(run.settings.seed)):
        found = {name.replace(" ", "_").replace("-", "_"): float(score[number]) for name, score in scores.items()}
        interval = {"damage": float(mean), "low": _number(low), "high": _number(high)}
        rows.append({"head": run.head_names[number], "program": names[number], **interval, **found})
    return rows


def _interval(found: tuple[float, float, float]) -> Study:
    low, point, high = found
    return {"low": _number(low), "point": _number(point), "high": _number(high)}


def _number(value: float) -> float | None:
    """None in place of nan, which JSON has no word for."""
    return float(value) if np.isfinite(value) else None


# ---------------------------------------------------------------- curves


def _curves(run: Run, table: Table, damage: Damage, shares: Sequence[float]) -> Study:
    heldout = [text.text for text in run.texts("heldout")]
    plan = [
        (order, kind, share, list(heads), provider)
        for order, kind, heads_in_order, provider_for in _ways(run, table, damage)
        for share in shares
        for heads in [heads_in_order[: round(share * len(heads_in_order))]]
        if heads
        for provider in [provider_for(heads)]
    ]
    key = [(order, kind, share, heads) for order, kind, share, heads, _ in plan]
    variants = [(heads, provider) for *_, heads, provider in plan]
    base, tokens, nll = _measured(run, "measuring orders and controls", heldout, variants, ("curves", key))
    plain = {"nll": base.tolist(), "tokens": tokens.tolist()}
    curves = []
    for (order, kind, share, heads, _), of_step in zip(plan, nll, strict=True):
        found = increase(plain, {"nll": of_step.tolist(), "tokens": tokens.tolist()}, run.settings.seed)
        curves.append({"order": order, "programs": kind, "share": share, "heads": len(heads), **found})
    return {"perplexity": float(np.exp(base.sum() / tokens.sum())), "curves": curves}


def _ways(run: Run, table: Table, damage: Damage) -> Iterator[tuple[str, str, list[Head], Any]]:
    """(order, what is put in, heads in order, provider of the first heads) of every curve."""
    tokenizer = run.loaded.tokenizer
    programs = chosen_programs(run, table)
    by_iou = in_iou_order(run, table)
    rng = np.random.default_rng(run.settings.seed)
    failed = {failure["program"] for failure in table.meta["failures"]}  # they would stop the model that runs them
    sound = [program for program in run.programs if program.name not in failed]
    randoms = {head: sound[i] for head, i in zip(run.heads, rng.integers(0, len(sound), len(run.heads)), strict=True)}
    library = builtin_library(run.causal)

    def of(chosen: dict[Head, Any]) -> Any:
        return lambda heads: provider_of([chosen[head] for head in heads], True, tokenizer)

    yield "train IoU", "chosen", by_iou, of(programs)
    yield "marginal damage", "chosen", damage.order(), of(programs)
    for number in range(1, RANDOM_ORDERS + 1):
        yield f"random {number}", "chosen", [run.heads[i] for i in rng.permutation(len(run.heads))], of(programs)
    yield "train IoU", "random programs", by_iou, of(randoms)
    for name in ("uniform", "first token"):
        yield "train IoU", name, by_iou, of(dict.fromkeys(run.heads, library[name]))
    positional = PositionalBaseline.of(run)
    yield "train IoU", "positional baseline", by_iou, positional.provider
