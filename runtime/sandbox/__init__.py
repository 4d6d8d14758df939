"""Running untrusted programs: a text gate, a language wall, a locked process, and a border of plain data.

Imported inside the zygote too, where this file is never executed; the child's side must not import the parent's.
``docs/threat-model.md`` says what each wall is for and how it is tested.
"""

from __future__ import annotations

from attndsl.runtime.sandbox.api import run, shared_pool
from attndsl.runtime.sandbox.errors import SandboxError
from attndsl.runtime.sandbox.levels import DEFAULT_LEVEL, LEVELS, Status, Wall, status
from attndsl.runtime.sandbox.limits import DEFAULT_LIMITS, Limits
from attndsl.runtime.sandbox.pool import Job, Report, SandboxPool, Session, Values
from attndsl.runtime.sandbox.programs import Prepared, prepare, program_names

__all__ = [
    "DEFAULT_LEVEL",
    "DEFAULT_LIMITS",
    "LEVELS",
    "Job",
    "Limits",
    "Prepared",
    "Report",
    "SandboxError",
    "SandboxPool",
    "Session",
    "Status",
    "Values",
    "Wall",
    "prepare",
    "program_names",
    "run",
    "shared_pool",
    "status",
]
