"""The roads by name, each built from a run and the options of the command.

To add one: a function ``(run, options, said) -> RunRoad`` and a line in ``ROADS``. ``said`` collects what the road has
to report at the end (counts, dollars).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.progress import Progress
from attndsl.job.run import Run
from attndsl.job.settings import Settings
from attndsl.job.synth import RunRoad, synthesize
from attndsl.store.units import Unit
from attndsl.synth.llm.ledger import FILE, Ledger, Replay
from attndsl.synth.llm.prices import Price, load_prices
from attndsl.synth.llm.request import Request
from attndsl.synth.llm.tokens import estimate_prompt, with_margin
from attndsl.synth.road import Candidate, Head, HeadPatterns, Watch, head_name
from attndsl.synth.rounds import Rounds, RoundSettings
from attndsl.synth.summary import Budget

if TYPE_CHECKING:
    from attndsl.synth.llm.asking import Asker
    from attndsl.synth.llm.batches import BatchAsker

SEARCH = "search"
"""The folder of finished heads of the search."""
LOCAL_MODEL = "smollm2-135m"
LOCAL_TOKENS = 160
LOCAL_SUMMARY = 400
CHARGED_FOR_TALK = 2000
"""Tokens of diagnostics that a repair may send along with the answer that it is about."""


@dataclass(frozen=True)
class RoadOptions:
    """What the command was asked for, beside the job's own settings."""

    llm_model: str | None = None
    language: str = "attn"
    rounds: int = 3
    samples: int = 1
    repairs: int = 1
    max_tokens: int | None = None
    effort: str | None = None
    max_cost: Decimal = Decimal(5)
    prices: Path | None = None
    batch: bool = False
    poll: float = 60.0
    parallel: int = 4
    replay: Path | None = None
    dry_run: bool = False
    seed: int = 0
    rules: int = 12


@dataclass
class Said:
    """What a road reports at its end."""

    content: dict[str, Any] = field(default_factory=dict)


class DryRun(Exception):
    """Nothing was sent: ``forecast`` says what the run would cost."""

    def __init__(self, forecast: dict[str, Any]) -> None:
        super().__init__()
        self.forecast = forecast


MakeRoad = Callable[[Run, RoadOptions, Said], RunRoad]


def road_of(name: str, options: RoadOptions, said: Said) -> Callable[[Run], RunRoad]:
    """The road by name. Raises DiagnosticError E0807 for one that this version does not have."""
    if name not in ROADS:
        raise fail("E0807", f"there is no road {name!r}", help=f"choose one of {', '.join(ROADS)}")
    return lambda run: ROADS[name](run, options, said)


def with_found(settings: Settings, name: str, progress: Progress) -> Settings:
    """The settings of the main job with the programs that a road finds for it, with the road's own defaults."""
    return replace(settings, programs=(synthesize(settings, road_of(name, RoadOptions(), Said()), progress).programs,))


# ---------------------------------------------------------------- Claude


def anthropic_road(run: Run, options: RoadOptions, said: Said) -> RunRoad:
    """Rounds with Claude, or a replay of them."""
    from attndsl.synth.llm.prices import DEFAULT_MODEL

    model = options.llm_model or DEFAULT_MODEL
    settings = RoundSettings(
        "anthropic", model, options.language, options.rounds, options.samples, options.repairs,
        max_tokens=options.max_tokens or RoundSettings.max_tokens,
        extra={"output_config": {"effort": options.effort}} if options.effort else {},
    )  # fmt: skip

    def road(given: HeadPatterns, watch: Watch) -> Iterator[Candidate]:
        if options.replay is not None:
            rounds = Rounds(Replay(options.replay))
            yield from _said(rounds, given, settings, watch, said)
            return
        price = load_prices(options.prices).of(model)
        with run.journal(FILE) as journal:
            yield from _asked(run, options, price, Ledger(journal), given, settings, watch, said)

    return road


def _asked(
    run: Run,
    options: RoadOptions,
    price: Price,
    ledger: Ledger,
    given: HeadPatterns,
    settings: RoundSettings,
    watch: Watch,
    said: Said,
) -> Iterator[Candidate]:
    from attndsl.synth.llm.asking import Asker
    from attndsl.synth.llm.batches import BatchAsker
    from attndsl.synth.llm.service import Claude

    claude = Claude(notify=run.progress.note)
    day = claude.retirement(settings.model)
    if day is not None:
        run.progress.note(f"{settings.model} will be retired on {day}")
    asker: Asker | BatchAsker
    if options.batch or ledger.open_batches():
        asker = BatchAsker(claude, ledger, price, options.max_cost, poll=options.poll)
    else:
        asker = Asker(claude, ledger, price, options.max_cost, parallel=options.parallel)

    def before(requests: list[Request]) -> None:
        forecast = _forecast(requests, settings, price, options, ledger)
        if options.dry_run:
            raise DryRun(forecast)
        run.progress.note(_in_words(forecast))
        _check_cap(requests, asker, ledger, options)

    try:
        yield from _said(Rounds(asker, before=before), given, settings, watch, said)
    finally:
        claude.close()
        said.content["dollars"] = str(asker.spent)


def _said(
    rounds: Rounds, given: HeadPatterns, settings: RoundSettings, watch: Watch, said: Said
) -> Iterator[Candidate]:  # fmt: skip
    said.content["tally"] = rounds.tally.as_dict()
    try:
        yield from rounds(given, settings, watch)
    finally:
        said.content["tally"] = rounds.tally.as_dict()
        spent = getattr(rounds.writer, "spent", None)
        if spent is not None:
            said.content["dollars"] = str(spent)


def _forecast(
    requests: list[Request], settings: RoundSettings, price: Price, options: RoadOptions, ledger: Ledger
) -> dict[str, Any]:  # fmt: skip
    """Dollars at most, by the estimate of ``synth.llm.tokens``; the service counts each request before it is sent."""
    tokens = [with_margin(estimate_prompt(request.params)) for request in requests]
    first = [price.worst(count, settings.max_tokens, batch=options.batch) for count in tokens]
    talk = price.worst(settings.max_tokens + CHARGED_FOR_TALK, 0, batch=options.batch)
    each_round = sum(first) + settings.repairs * (sum(first) + len(first) * talk)
    return {
        "model": settings.model,
        "requests_at_most": len(requests) * settings.rounds * (1 + settings.repairs),
        "input_tokens_first_round": sum(tokens),
        "first_round_at_most": str(sum(first)),
        "run_at_most": str(each_round * settings.rounds),
        "spent_before": str(ledger.spent),
        "cap": str(options.max_cost),
    }


def _in_words(forecast: dict[str, Any]) -> str:
    dollars = {name: f"${Decimal(forecast[name]):.2f}" for name in ("first_round_at_most", "run_at_most", "cap")}
    return (
        f"{forecast['model']}: at most {forecast['requests_at_most']} requests; the first round costs at most "
        f"{dollars['first_round_at_most']}, the run at most {dollars['run_at_most']}; it stops at {dollars['cap']}"
    )


def _check_cap(requests: list[Request], asker: Asker | BatchAsker, ledger: Ledger, options: RoadOptions) -> None:
    """Raises E0904 when nothing is known yet and the first request does not fit."""
    if requests and not ledger.state.answers and not ledger.open_batches():
        most = asker.worst(requests[0])
        if asker.spent + most > options.max_cost:
            raise fail(
                "E0904", f"a request can cost ${most:.4f}, and --max-cost ${options.max_cost} leaves no room for it",
                help="raise --max-cost, lower --max-tokens, or name a cheaper model with --llm-model",
            )  # fmt: skip


# ---------------------------------------------------------------- a model on this machine


def local_road(run: Run, options: RoadOptions, said: Said) -> RunRoad:
    """Rounds with a causal model on this machine, constrained by the grammar."""
    model = options.llm_model or LOCAL_MODEL
    settings = RoundSettings(
        "local", model, "short", options.rounds, options.samples, 0,
        max_tokens=options.max_tokens or LOCAL_TOKENS,
        texts=3, summary=Budget(tokens=LOCAL_SUMMARY, links=2, errors=3, texts=0),
    )  # fmt: skip

    def road(given: HeadPatterns, watch: Watch) -> Iterator[Candidate]:
        if options.replay is not None:
            yield from _said(Rounds(Replay(options.replay)), given, settings, watch, said)
            return
        from attndsl.models.load import load_model
        from attndsl.synth.local import LocalModel, LocalWriter, Sampling

        with run.progress.step(f"loading {model}"):
            loaded = load_model(model, device=run.settings.device, notify=run.progress.note)
        writer_model = LocalModel(loaded.model, loaded.tokenizer, given.causal, Sampling(seed=options.seed))
        with run.journal(FILE) as journal:
            writer = LocalWriter(writer_model, Ledger(journal))
            yield from _said(Rounds(writer), given, settings, watch, said)

    return road


# ---------------------------------------------------------------- no language model


def search_road(run: Run, options: RoadOptions, said: Said) -> RunRoad:
    """Rules grown on each head's patterns; finished heads are kept in the run's folder."""
    from attndsl.synth.search.road import SearchSettings, search

    run.folder.fetch(SEARCH)
    settings = SearchSettings(
        run.folder.path / SEARCH, rules=options.rules, workers=options.parallel, logged=_logged(run)
    )
    return lambda given, watch: search(given, settings, watch)


def _logged(run: Run) -> Callable[[Head, str], AbstractContextManager[list[Path]]]:
    """Every head of the search is a unit of work."""

    @contextmanager
    def logged(head: Head, key: str) -> Iterator[list[Path]]:
        name = head_name(head)
        files: list[Path] = []
        with run.units.logged(Unit("search", f"{key}.{name}", f"head {name}")) as outputs:
            yield files
            outputs.extend(run.folder.written(path) for path in files)

    return logged


ROADS: dict[str, MakeRoad] = {"search": search_road, "anthropic": anthropic_road, "local": local_road}
