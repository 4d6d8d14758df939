"""``attndsl plan``: what a run would take, before anything is started."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.options import MACHINE, PROGRAMS, TEXTS, Format, FormatOption

if TYPE_CHECKING:
    from attndsl.store.plan import Plan, Shape, Sizes

CLUSTER = "Cluster"


def _option(name: str, panel: str, help: str, metavar: str = "N", **more: Any) -> Any:
    return typer.Option(name, metavar=metavar, rich_help_panel=panel, help=help, **more)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan", rich_help_panel="Runs")(plan)


def plan(
    shape: Annotated[
        str, typer.Argument(metavar="SHAPE", help="gpt2, smollm2-135m, tinyllama, llama-3b or llama-70b.")
    ] = "smollm2-135m",
    layers: Annotated[int, _option("--layers", MACHINE, "Layers of another model; with --width and --hidden.")] = 0,
    width: Annotated[int, _option("--width", MACHINE, "Heads of a layer.")] = 0,
    hidden: Annotated[int, _option("--hidden", MACHINE, "Hidden size.")] = 0,
    library: Annotated[int, _option("--library", PROGRAMS, "Programs to choose among.", min=1)] = 1000,
    train: Annotated[int, _option("--train", TEXTS, "Train texts.", min=1)] = 40,
    heldout: Annotated[int, _option("--heldout", TEXTS, "Held-out texts.", min=1)] = 20,
    tokens: Annotated[int, _option("--tokens", TEXTS, "Tokens of a text.", min=2)] = 128,
    shares: Annotated[int, _option("--shares", PROGRAMS, "Different shares of heads that are replaced.", min=0)] = 7,
    requests: Annotated[int, _option("--requests", PROGRAMS, "Requests to a language model per head.", min=0)] = 0,
    request_cost: Annotated[float, _option("--request-cost", PROGRAMS, "Dollars of a request.", "X", min=0.0)] = 0.0,
    nodes: Annotated[int, _option("--nodes", CLUSTER, "Nodes.", min=1)] = 1,
    cpus: Annotated[int, _option("--cpus", CLUSTER, "CPUs of a node.", min=1)] = 2,
    speedup: Annotated[
        float, _option("--speedup", CLUSTER, "How many CPUs a node's GPU replaces in forward passes.", "X", min=1.0)
    ] = 1.0,
    price: Annotated[float, _option("--price", CLUSTER, "Dollars of a node and hour.", "X", min=0.0)] = 0.0,
    mtbf: Annotated[
        float, _option("--mtbf", CLUSTER, "Hours between two failures of a node; 0: it does not fail.", "X", min=0.0)
    ] = 0.0,
    like: Annotated[
        str | None, _option("--like", MACHINE, "Rates of a finished run instead of a measurement here.", "RUN")
    ] = None,
    keep_patterns: Annotated[
        bool,
        typer.Option("--keep-patterns/--no-keep-patterns", rich_help_panel=MACHINE, help="Are patterns stored?"),
    ] = True,
    format: FormatOption = Format.TEXT,
) -> int:
    """Say what a run would take: time, memory, storage and money; nothing is started.

    Example: attndsl plan llama-3b --train 1000000 --no-keep-patterns --nodes 100 --cpus 16 --mtbf 500
    """
    from attndsl.cli.output import print_json
    from attndsl.job.calibrate import measured_rates, rates_like
    from attndsl.store.plan import Cluster, Sizes
    from attndsl.store.plan import plan as planned

    sizes = Sizes(
        _shape(shape, layers, width, hidden), library, train, heldout, tokens, shares, requests, request_cost,
        keep_patterns,
    )  # fmt: skip
    rates = measured_rates(tokens)
    if like is not None:
        rates = rates_like(like, rates)
    found = planned(sizes, rates, Cluster(nodes, cpus, speedup, price, mtbf or math.inf))
    if format is Format.JSON:
        print_json(found.to_json())
    else:
        _print(found, sizes)
    return 0


def _shape(name: str, layers: int, width: int, hidden: int) -> Shape:
    """Raises DiagnosticError E0807."""
    from attndsl.dsl.diagnostics import fail
    from attndsl.store.plan import SHAPES, shape_of

    if layers or width or hidden:
        if min(layers, width, hidden) < 1:
            raise fail("E0807", "a shape needs all three", help="give --layers, --width and --hidden")
        return shape_of(layers, width, hidden)
    if name not in SHAPES:
        raise fail("E0807", f"no shape is called {name!r}", help=f"one of {', '.join(SHAPES)}, or --layers and so on")
    return SHAPES[name]


def _print(found: Plan, sizes: Sizes) -> None:
    from attndsl.cli.output import print_table
    from attndsl.cli.runs import size

    rows = [[stage.kind, stage.units, f"{stage.cpu_seconds / 3600:.2f}"] for stage in found.stages]
    title = f"{sizes.shape.all_heads} heads, {sizes.programs} programs, {sizes.train} + {sizes.heldout} texts"
    print_table(f"{title} of {sizes.tokens} tokens", ["unit", "units", "CPU hours"], rows)
    print(f"\ntime     {found.hours:.2f} hours, {found.node_hours:.1f} node hours")
    print(f"memory   {size(found.memory)} a worker")
    print("storage  " + ", ".join(f"{name} {size(number)}" for name, number in found.bytes.items()))
    print(f"money    ${found.dollars:,.2f}")
