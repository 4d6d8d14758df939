"""Running one untrusted program on one text: the public face of the sandbox."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.sandbox import levels
from attndsl.runtime.sandbox.errors import sandbox_error, wrapped
from attndsl.runtime.sandbox.limits import DEFAULT_LIMITS
from attndsl.runtime.sandbox.pool import SandboxPool, Values
from attndsl.runtime.sandbox.programs import Prepared, prepare

Host = Mapping[str, Callable[..., float] | NDArray[Any]]
ENGINES = ("python", "monty")

_lock = threading.Lock()
_pool: SandboxPool | None = None


def run(
    source: str | bytes,
    text: str,
    tokenizer: Any,
    *,
    program: str | None = None,
    seconds: float = DEFAULT_LIMITS.seconds,
    megabytes: int = DEFAULT_LIMITS.megabytes,
    runs: int = DEFAULT_LIMITS.runs,
    host: Host | None = None,
    level: str = levels.DEFAULT_LEVEL,
    allow_empty_rows: bool | None = None,
    engine: str = "python",
) -> NDArray[np.float32]:
    """Run a program that nobody vouches for on one text; gives its matrix as float32 [query, key].

    ``source`` is Python text: ``f(sentence, tokenizer) -> (name, matrix)`` with its helpers, or
    ``predict(sentence, tokens) -> matrix``; ``program`` names the function where several could be meant.
    ``tokenizer`` is a Hugging Face tokenizer or a ``TokenTable`` of the text. ``seconds`` of wall time and
    ``megabytes`` of memory bound the program, ``runs`` runs on the same text must agree. ``host`` gives functions
    ``(tokens, q, k) -> float``, or their [n, n] matrices, which are computed before the program starts. ``level`` is
    the least isolation to accept. Rows without mass are refused for ``predict`` and taken for the other form, unless
    ``allow_empty_rows`` says. ``engine="monty"`` asks for the second engine, for pure-Python programs.

    Raises SandboxError (a DiagnosticError) for everything that goes wrong: refused, failed, over a limit, unusable.
    """
    _check_limits(seconds, megabytes, runs)
    prepared = prepare(source, program)
    table = _table(text, tokenizer)
    matrices = {name: _host_matrix(name, value, table) for name, value in (host or {}).items()}
    empty_rows = prepared.style == "tokenizer" if allow_empty_rows is None else allow_empty_rows
    if engine == "monty":
        from attndsl.runtime.sandbox.monty import run_monty

        if host:
            raise sandbox_error("E0425", "refused", "the engine 'monty' takes no host functions")
        return run_monty(prepared, table, seconds=seconds, megabytes=megabytes, runs=runs, empty_rows=empty_rows)
    if engine != "python":
        raise sandbox_error("E0425", "unavailable", f"unknown engine {engine!r}", help=f"one of {', '.join(ENGINES)}")
    limits = replace(DEFAULT_LIMITS, seconds=seconds, megabytes=megabytes, runs=runs)
    matrix = _run_python(prepared, table, matrices, limits, level, empty_rows)
    return matrix.astype(np.float32)


def _run_python(
    prepared: Prepared, table: TokenTable, host: dict[str, Any], limits: Any, level: str, empty_rows: bool
) -> NDArray[np.float64]:
    pool = shared_pool(level)
    with pool.session(prepared, limits) as session:
        return session.run(table, host, Values(empty_rows=empty_rows))


def _check_limits(seconds: float, megabytes: int, runs: int) -> None:
    for name, value in (("seconds", seconds), ("megabytes", megabytes), ("runs", runs)):
        if not value > 0:
            raise sandbox_error("E0426", "unavailable", f"{name} must be positive, not {value!r}")


def shared_pool(level: str = levels.DEFAULT_LEVEL) -> SandboxPool:
    """The pool of this process for single runs, started on first use. Raises SandboxError E0420, E0421, E0424."""
    global _pool
    levels.check_platform()
    with _lock:
        if _pool is None:
            _pool = SandboxPool(workers=2, level=level)
            atexit.register(_pool.close)
        else:
            _pool.require(level)
        return _pool


def _table(text: str, tokenizer: Any) -> TokenTable:
    if isinstance(tokenizer, TokenTable):
        if tokenizer.text != text:
            raise sandbox_error("E0423", "refused", "the token table is of another text")
        return tokenizer
    from attndsl.runtime.tokenize import token_table

    try:
        return token_table(text, tokenizer)
    except DiagnosticError as error:
        raise wrapped(error, "unavailable") from None


def _host_matrix(name: str, value: Any, table: TokenTable) -> NDArray[np.float64]:
    """The values of a host function for every pair of tokens, as float64 [n, n]."""
    if not callable(value):
        return np.asarray(value, dtype=np.float64)
    tokens, size = list(table.raw), len(table)
    return np.array([[float(value(tokens, q, k)) for k in range(size)] for q in range(size)]).reshape(size, size)
