"""What tokens cost: a dated table that a user can replace, and exact decimal arithmetic over it.

The table beside this file was checked on the day it names; prices change, so ``--prices FILE`` gives another in the
same form. A dated model id (``claude-haiku-4-5-20251001``) has the price of the name it begins with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib import resources
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail

DEFAULT_MODEL = "claude-sonnet-5-5"
MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars per million tokens; ``cache_write`` is the five-minute cache."""

    input: Decimal
    cache_write: Decimal
    cache_read: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """The rates of a model; a prompt of more than ``above`` tokens, cached ones included, has ``long_prompt``'s."""

    rates: Rates
    batch_factor: Decimal
    above: int | None = None
    long_prompt: Rates | None = None

    def cost(self, usage: Mapping[str, Any], *, batch: bool = False) -> Decimal:
        """Dollars for the ``usage`` that the service reported with an answer.

        >>> price = load_prices().of("claude-sonnet-5-5")
        >>> price.cost({"input_tokens": 1_000_000, "output_tokens": 100_000})
        Decimal('3')
        """
        fresh = int(usage.get("input_tokens") or 0)
        written = int(usage.get("cache_creation_input_tokens") or 0)
        read = int(usage.get("cache_read_input_tokens") or 0)
        rates = self._of(fresh + written + read)
        total = fresh * rates.input + written * rates.cache_write + read * rates.cache_read
        total += int(usage.get("output_tokens") or 0) * rates.output
        return self._dollars(total, batch)

    def worst(self, input_tokens: int, max_tokens: int, *, batch: bool = False) -> Decimal:
        """The most that a request can cost: the whole prompt written into the cache, the answer as long as allowed."""
        rates = self._of(input_tokens)
        per_token = max(rates.input, rates.cache_write, rates.cache_read)
        return self._dollars(input_tokens * per_token + max_tokens * rates.output, batch)

    def _of(self, prompt_tokens: int) -> Rates:
        long = self.above is not None and prompt_tokens > self.above
        return self.long_prompt if long and self.long_prompt is not None else self.rates

    def _dollars(self, total: Decimal, batch: bool) -> Decimal:
        return (total * (self.batch_factor if batch else 1) / MILLION).normalize()


@dataclass(frozen=True)
class PriceTable:
    """Prices by model id, the day they were checked and where."""

    models: Mapping[str, Price]
    as_of: str
    name: str

    def of(self, model: str) -> Price:
        """The price of a model. Raises E0905 for one that the table does not have: no cost cap could be kept."""
        undated = re.sub(r"-\d{8}$", "", model)
        for known in (model, undated):
            if known in self.models:
                return self.models[known]
        raise fail(
            "E0905", f"the price of model {model!r} is not known",
            help=f"give a table with its price: --prices FILE; known are {', '.join(self.models)}",
        )  # fmt: skip


def load_prices(path: Path | None = None) -> PriceTable:
    """The table that comes with attndsl, or the user's. Raises E0801 (cannot be read), E0905 (not such a table)."""
    if path is None:
        text, name = resources.files(__name__.rpartition(".")[0]).joinpath("prices.json").read_text("utf-8"), "prices"
    else:
        name = str(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise fail("E0801", f"{path} cannot be read: {error}", help="give a JSON file of prices") from None
    try:
        data = json.loads(text)
        factor = _money(data["batch_factor"])
        models = {model: _price(entry, factor) for model, entry in data["models"].items()}
        return PriceTable(models, str(data["as_of"]), name)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise _not_a_table(name, error) from None


def _price(entry: Mapping[str, Any], factor: Decimal) -> Price:
    long = entry.get("long_prompt")
    if long is None:
        return Price(_rates(entry), factor)
    return Price(_rates(entry), factor, int(long["above"]), _rates(long))


def _rates(entry: Mapping[str, Any]) -> Rates:
    return Rates(*(_money(entry[name]) for name in ("input", "cache_write", "cache_read", "output")))


def _money(value: Any) -> Decimal:
    amount = Decimal(str(value))
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{value!r} is no price")
    return amount


def _not_a_table(name: str, error: Exception) -> DiagnosticError:
    why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return fail(
        "E0905", f"{name} is not a table of prices: {why}",
        help='{"as_of": "...", "batch_factor": "0.5", "models": {"MODEL": {"input": "2", "cache_write": "2.5", '
        '"cache_read": "0.1", "output": "10"}}}, in dollars per million tokens',
    )  # fmt: skip
