"""The command line: thin commands over the library. ``main`` turns every outcome into a message and an exit code.

Exit codes: 0 fine, 1 diagnostics, 2 usage, 3 our bug, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys

# Before torch is imported: threads that wait by spinning make a forward pass ten times slower on a machine that other
# processes use as well (measured: 19.9 s against 1.5 s a text on two busy cores); waiting asleep costs little.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

RESUMABLE = ("explain", "score", "replace", "synth")
STOPPED = 130


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its code."""
    # Everything is imported in here, so that Ctrl-C while Python is still importing is an answer too, not a traceback.
    try:
        from attndsl.cli.main import run

        code = run(arguments)
    except KeyboardInterrupt:
        code = stopped(arguments)
    if code == STOPPED:
        _leave_at_once()
    sys.exit(code)


def stopped(arguments: list[str] | None = None) -> int:
    """Say that Ctrl-C was heard, and what that means; the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    kept = "; what was finished is kept, the same command goes on from there" if set(given) & set(RESUMABLE) else ""
    print(f"attndsl: stopped{kept}", file=sys.stderr)
    return STOPPED


def _leave_at_once() -> None:
    """Exit with 130, whatever was interrupted.

    Where Ctrl-C came while Python was in an ``exec`` of a library (a dataclass being made, say), Python would, at its
    end, kill itself with the signal, although it was handled; and a second Ctrl-C then would print a traceback.
    """
    import atexit
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(STOPPED)
