"""Run programs that nobody vouches for: ``attndsl.sandbox.run(source, text, tokenizer)``."""

from attndsl.runtime.sandbox import (
    DEFAULT_LEVEL,
    DEFAULT_LIMITS,
    LEVELS,
    Job,
    Limits,
    Report,
    SandboxError,
    SandboxPool,
    Status,
    Values,
    Wall,
    prepare,
    program_names,
    run,
    status,
)

__all__ = [
    "DEFAULT_LEVEL",
    "DEFAULT_LIMITS",
    "LEVELS",
    "Job",
    "Limits",
    "Report",
    "SandboxError",
    "SandboxPool",
    "Status",
    "Values",
    "Wall",
    "prepare",
    "program_names",
    "run",
    "status",
]
