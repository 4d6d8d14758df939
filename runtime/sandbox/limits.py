"""Every limit of the sandbox, with its default."""

from __future__ import annotations

from dataclasses import dataclass

from attndsl.dsl.gate import PROGRAM_LIMITS, TextLimits

SOURCE_LIMITS = TextLimits(size=1536 * 1024, lines=50_000, tokens=400_000)
"""For the whole file a program is taken from; the program with its helpers must also fit ``Limits.text``."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use.

    ``seconds`` is wall time for one sentence, all its runs together; ``start_seconds`` is wall time for starting a
    child and compiling the program in it; ``megabytes`` is memory beyond what the interpreter itself maps;
    ``cpu_seconds`` is processor time of a child over its whole life. ``runs`` is how often a program runs on one
    sentence (two runs show hidden state and randomness), ``seed`` seeds the generators of the first run, and run
    ``r`` starts from ``seed + r``. ``tokens`` bounds the sentence, ``largest`` the absolute value of a result.
    """

    seconds: float = 5.0
    start_seconds: float = 5.0
    megabytes: int = 512
    stack_megabytes: int = 8
    cpu_seconds: int = 600
    runs: int = 2
    seed: int = 0
    tokens: int = 2048
    largest: float = 1e30
    text: TextLimits = PROGRAM_LIMITS


DEFAULT_LIMITS = Limits()
