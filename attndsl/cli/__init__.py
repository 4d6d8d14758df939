"""The command line: thin commands over the library. ``main`` turns every outcome into a message and an exit code.

Exit codes: 0 fine, 1 diagnostics, 2 usage, 3 our bug, 130 stopped by Ctrl-C.
"""

from attndsl.cli.main import main

__all__ = ["main"]
