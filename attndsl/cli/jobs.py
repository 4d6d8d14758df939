"""Commands over a model: explain (the main job), and its parts score, replace and report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from attndsl.job.replacement import Step
    from attndsl.job.settings import Settings
    from attndsl.runtime.table import Table

Model = Annotated[str, typer.Argument(help="Packaged name, Hugging Face id, folder or .gguf file.")]
Programs = Annotated[list[Path] | None, typer.Option("--programs", help="Program files (.attn, .py); default: the built-in ones.")]
Corpus = Annotated[str, typer.Option("--corpus", help="Bundled corpus (stories, sentences, code, math) or a .txt, .jsonl, .csv file.")]
Heads = Annotated[str | None, typer.Option("--heads", help="Heads such as L5H3,L6 (a whole layer); default: all.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the run; default attndsl-runs/MODEL.")]
Revision = Annotated[str | None, typer.Option("--revision", help="Revision of a model from the hub.")]
Tokens = Annotated[int, typer.Option("--tokens", help="Cut texts to this many tokens.")]
MinTokens = Annotated[int | None, typer.Option("--min-tokens", help="Leave out shorter texts; default three quarters of --tokens.")]
Train = Annotated[int, typer.Option("--train", help="Train texts at most (programs are chosen here).", min=1)]
Heldout = Annotated[int, typer.Option("--heldout", help="Held-out texts at most (figures are reported here).", min=1)]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]
AsJson = Annotated[str, typer.Option("--format", help="text or json.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("explain")(explain)
    app.command("score")(score)
    app.command("replace")(replace)
    app.command("report")(report)


def settings_of(
    model: str, programs: list[Path] | None, corpus: str, heads: str | None, out: Path | None, revision: str | None,
    tokens: int, min_tokens: int | None, train: int, heldout: int, device: str,
) -> Settings:  # fmt: skip
    """Options as the job's settings. Raises DiagnosticError E0807 for a device that is none."""
    from attndsl.dsl.diagnostics import fail
    from attndsl.job.settings import Settings

    if device not in ("cpu", "cuda", "auto"):
        raise fail("E0807", f"unknown device {device!r}", help="choose cpu, cuda or auto")
    folder = out or Path("attndsl-runs") / "".join(c if c.isalnum() or c in "-._" else "-" for c in Path(model).name)
    return Settings(
        model=model, revision=revision, programs=tuple(programs or ()), corpus=corpus, heads=heads, out=folder,
        tokens=tokens, min_tokens=min_tokens if min_tokens is not None else max(2, tokens * 3 // 4),
        train=train, heldout=heldout, device=_device(device),
    )  # fmt: skip


def _device(device: str) -> str:
    if device == "cpu":
        return "cpu"
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def explain(
    model: Model = "smollm2-135m", programs: Programs = None, corpus: Corpus = "stories", heads: Heads = None,
    out: Out = None, revision: Revision = None, tokens: Tokens = 128, min_tokens: MinTokens = None, train: Train = 40,
    heldout: Heldout = 20, device: Device = "cpu", quiet: Quiet = False, format: AsJson = "text",
) -> int:  # fmt: skip
    """The main job: best program per head on held-out text, heads replaced, perplexity, and a report.

    Resumable: the same command goes on where it stopped, and does nothing twice.
    """
    from attndsl.cli.output import Shown
    from attndsl.job.explain import explain as run_job
    from attndsl.job.explain import results_of

    settings = settings_of(
        model, programs, corpus, heads, out, revision, tokens, min_tokens, train, heldout, device
    )
    done = run_job(settings, Shown(quiet))
    if format == "json":
        print(json.dumps(results_of(done.run, done.table, done.steps), ensure_ascii=False))
    else:
        print_scores(done.table, str(settings.model), settings.corpus)
        print_steps(done.steps)
        print(f"\nreport   {done.report}\nresults  {done.results}")
    return 0


def score(
    model: Model = "smollm2-135m", programs: Programs = None, corpus: Corpus = "stories", heads: Heads = None,
    out: Out = None, revision: Revision = None, tokens: Tokens = 128, min_tokens: MinTokens = None, train: Train = 40,
    heldout: Heldout = 20, device: Device = "cpu", quiet: Quiet = False, format: AsJson = "text",
    table: Annotated[Path | None, typer.Option("--table", help="Write the table: .json, .csv or .parquet.")] = None,
) -> int:  # fmt: skip
    """Choose the best program of every head on train text and score it on held-out text."""
    from attndsl.cli.output import Shown
    from attndsl.job.run import prepare
    from attndsl.job.scores import score_stage

    settings = settings_of(
        model, programs, corpus, heads, out, revision, tokens, min_tokens, train, heldout, device
    )
    found = score_stage(prepare(settings, Shown(quiet)))
    if table is not None:
        found.write(table)
    if format == "json":
        print(found.to_json(), end="")
    else:
        print_scores(found, settings.model, settings.corpus, every_head=True)
    return 0


def replace(
    model: Model = "smollm2-135m", programs: Programs = None, corpus: Corpus = "stories", heads: Heads = None,
    out: Out = None, revision: Revision = None, tokens: Tokens = 128, min_tokens: MinTokens = None, train: Train = 40,
    heldout: Heldout = 20, device: Device = "cpu", quiet: Quiet = False, format: AsJson = "text",
    steps: Annotated[str, typer.Option("--steps", help="Percent of heads to replace, in the order of train IoU.")] = "0,5,10,25,40,60,100",
) -> int:  # fmt: skip
    """Put programs in place of heads and measure perplexity on held-out text."""
    from dataclasses import replace as changed

    from attndsl.cli.output import Shown
    from attndsl.job.replacement import replace_stage
    from attndsl.job.run import prepare
    from attndsl.job.scores import score_stage

    settings = settings_of(
        model, programs, corpus, heads, out, revision, tokens, min_tokens, train, heldout, device
    )
    run = prepare(changed(settings, steps=_shares(steps)), Shown(quiet))
    measured = replace_stage(run, score_stage(run))
    if format == "json":
        print(json.dumps(measured, ensure_ascii=False))
    else:
        print_steps(measured)
    return 0


def _shares(steps: str) -> tuple[float, ...]:
    from attndsl.dsl.diagnostics import fail

    try:
        shares = tuple(float(part) / 100 for part in steps.split(","))
    except ValueError:
        shares = (-1.0,)
    if any(not 0 <= share <= 1 for share in shares):
        raise fail("E0807", f"--steps {steps!r} are not percentages", help="give numbers from 0 to 100: --steps 0,10,25")
    return shares


def report(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
) -> int:
    """Say where a run's report is, and print its tables again."""
    from attndsl.dsl.diagnostics import fail
    from attndsl.runtime.table import Table

    results = run / "results.json"
    try:
        content = json.loads(results.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise fail(
            "E0801", f"there is no finished run in {run}", help="attndsl explain --out FOLDER makes one"
        ) from None
    except (OSError, ValueError) as error:
        raise fail("E0801", f"{results} cannot be read: {error}", help="run attndsl explain again") from None
    columns = {name: [row[name] for row in content["heads"]] for name in content["heads"][0]}
    print_scores(Table(columns, content["totals"]), content["model"]["name"], content["corpus"], every_head=True)
    print_steps(content["perplexity"])
    print(f"\nreport   {run / 'report.html'}")
    return 0


# ---------------------------------------------------------------- what is printed


def print_scores(table: Table, model: str, corpus: str, every_head: bool = False) -> None:
    """Totals over heads, scores by context length, and the best heads (or all)."""
    from attndsl.cli.output import interval, print_table

    meta: Any = table.meta
    tokens = meta["tokens"]
    print(
        f"{model} on {corpus}: {meta['heads']} heads, {meta['programs']} programs, chosen on "
        f"{meta['train_sentences']} train texts, reported on {meta['held_out_sentences']} held-out texts of "
        f"{tokens['least']}-{tokens['most']} tokens"
    )
    names = {
        "held_out_iou": "held-out IoU", "first_token_iou": "first-token baseline", "best_baseline_iou": "best baseline",
        "lift": "lift over best baseline", "iou_without_sink": "IoU without sink", "js_distance": "Jensen-Shannon distance",
    }  # fmt: skip
    rows = [[label, interval(meta[name]), meta[name]["median"]] for name, label in names.items()]
    print_table(f"\nover heads, n = {tokens['most']}", ["score", "mean [95% over texts]", "median"], rows)
    by_length = [
        [int(name[3:]), at["held_out_iou"]["mean"], at["held_out_iou"]["median"], at["first_token_iou"]["mean"],
         at["best_baseline_iou"]["mean"], at["lift"]["mean"]]
        for name, at in meta.items() if name.startswith("at_")
    ]  # fmt: skip
    if by_length:
        print_table("\nby context length", ["n", "IoU", "median", "first token", "best baseline", "lift"], by_length)
    shown = sorted(table.rows(), key=lambda row: -float(row["held_out_iou"] or 0))  # type: ignore[arg-type]
    heads = [[r["head"], r["program"], r["train_iou"], r["held_out_iou"], r["lift"]] for r in shown]
    title = "\nheads" if every_head else "\nbest heads"
    print_table(title, ["head", "program", "train IoU", "held-out IoU", "lift"], heads if every_head else heads[:10])
    if meta.get("failures"):
        print(f"{len(meta['failures'])} program runs failed, the first: {meta['failures'][0]['error']}")


def print_steps(steps: list[Step]) -> None:
    """Perplexity by share of heads replaced."""
    from attndsl.cli.output import percent, print_table

    if not steps:
        return
    rows = [
        [f"{100 * s['share']:.0f}%", s["heads"], s["perplexity"], percent(s["increase_percent"]),
         f"[{percent(s['low'])}, {percent(s['high'])}]"]
        for s in steps
    ]  # fmt: skip
    print_table("\nheads replaced in the order of train IoU", ["share", "heads", "perplexity", "increase", "95% interval"], rows)
