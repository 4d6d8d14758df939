"""The optional second engine: pydantic-monty, an interpreter of its own for pure-Python programs.

It runs where processes cannot be isolated (macOS, Windows), in worker processes of its own, which have no Python
objects to escape to. The text gate and the language policy stand in front of it as in front of CPython; there is no
numpy, no tokenizer and no parser behind it, so only ``predict(sentence, tokens)`` over plain Python can run.
Written against pydantic-monty 1.4 (https://pypi.org/project/pydantic-monty/).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.gate import parse_python
from attndsl.dsl.source import SourceFile
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.sandbox.border import check_values
from attndsl.runtime.sandbox.errors import SandboxError, clean, sandbox_error
from attndsl.runtime.sandbox.limits import DEFAULT_LIMITS
from attndsl.runtime.sandbox.programs import Prepared

_WITHOUT = frozenset({"numpy", "spacy", "torch", "transformers"})


def run_monty(
    program: Prepared, table: TokenTable, *, seconds: float, megabytes: int, runs: int, empty_rows: bool
) -> NDArray[np.float32]:
    """The matrix of a pure-Python program, float32 [query, key].

    Raises SandboxError: E0425 when the engine is not installed or the program is not for it, else as the sandbox.
    """
    monty = _engine()
    check_policy(program)
    if program.style != "tokens":
        raise _unfit("a program that takes a tokenizer")
    limits = {"max_feed_duration_secs": seconds, "max_memory": megabytes << 20}
    matrices: list[NDArray[np.float64]] = []
    with (
        monty.Monty(min_processes=1, max_processes=1, request_timeout=seconds + 2) as pool,
        pool.checkout(limits=limits, assert_message_annotations=False) as session,
    ):
        _feed(monty, session, program, program.text, {})
        for _ in range(runs):
            inputs = {"sentence": table.text, "tokens": list(table.raw)}
            result = _feed(monty, session, program, f"{program.entry}(sentence, tokens)", inputs)
            matrices.append(_matrix(result, len(table)))
    if any(other.tobytes() != matrices[0].tobytes() for other in matrices[1:]):
        raise sandbox_error("E0415", "differs", "two runs on the same sentence gave different matrices")
    checked = replace(DEFAULT_LIMITS, seconds=seconds, megabytes=megabytes)
    check_values(matrices[0], checked, allow_nonfinite=False, allow_negative=False, allow_empty_rows=empty_rows)
    return matrices[0].astype(np.float32)


def check_policy(program: Prepared) -> None:
    """Raise SandboxError E0410 for what the language policy refuses. Only reads the tree; nothing is compiled."""
    from attndsl.runtime.sandbox.bindings import read_bindings
    from attndsl.runtime.sandbox.policy import Policy

    tree = parse_python(SourceFile(program.source.name, program.text))
    policy = Policy(program.entry, *read_bindings(tree))
    policy.visit(tree)
    if policy.refusals:
        line, reason = min(policy.refusals)
        raise sandbox_error("E0410", "refused", reason, source=program.source, line=program.file_line(line))
    missing = sorted(module for module in policy.modules if module.split(".")[0] in _WITHOUT)
    if missing:
        raise _unfit(f"a program that imports {missing[0]}")


def _engine() -> Any:
    try:
        import pydantic_monty
    except ImportError:
        raise sandbox_error(
            "E0425", "unavailable", "the engine 'monty' is not installed", help="pip install pydantic-monty"
        ) from None
    return pydantic_monty


def _unfit(what: str) -> SandboxError:
    return sandbox_error(
        "E0425", "refused", f"the engine 'monty' cannot run {what}", help="use engine='python' on Linux"
    )


def _feed(monty: Any, session: Any, program: Prepared, code: str, inputs: dict[str, Any]) -> Any:
    """Run one snippet. Raises SandboxError for everything that the engine reports."""
    try:
        return session.feed_run(code, inputs=inputs, print_callback=lambda stream, text: None)
    except monty.MontyCrashedError as error:
        late = bool(getattr(error, "timed_out", False))
        code_, outcome = ("E0416", "time") if late else ("E0418", "died")
        raise sandbox_error(
            code_, outcome, f"the process of {program.entry} {'ran out of time' if late else 'died'}"
        ) from None
    except monty.MontySyntaxError as error:
        raise sandbox_error("E0410", "refused", f"the engine 'monty' cannot read it: {clean(str(error))}") from None
    except monty.MontyRuntimeError as error:
        raise _raised(program, error) from None
    except (monty.MontyError, ValueError, TypeError) as error:
        raise sandbox_error("E0413", "bad_result", f"the result cannot be taken over: {clean(str(error))}") from None


def _raised(program: Prepared, error: Any) -> SandboxError:
    inner = error.exception()
    kind, text = type(inner).__name__, clean(str(inner))
    inside = [frame.line for frame in error.traceback() if frame.filename == "<python-input-0>"]
    line = program.file_line(inside[-1]) if inside else 0
    code, outcome = {"TimeoutError": ("E0416", "time"), "MemoryError": ("E0417", "memory")}.get(
        kind, ("E0412", "error")
    )
    shown = f"{program.entry} raised {kind}" + (f": {text}" if text else "")
    return sandbox_error(
        code, outcome, shown, source=program.source, line=line, error_type=clean(kind, 60), error_message=text
    )


def _matrix(result: Any, size: int) -> NDArray[np.float64]:
    from attndsl.runtime.sandbox.results import BadResult, as_matrix

    try:
        matrix: NDArray[np.float64] = as_matrix(result, size, "tokens")
    except BadResult as error:
        raise sandbox_error("E0413", "bad_result", clean(str(error))) from None
    return matrix
