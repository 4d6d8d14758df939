"""What the author called a value, as the machine remembers it for ``naming.py``."""

from __future__ import annotations

SET_HINT = "in:"
"""Before the author's name of a set, where the term is the question whether something is in it."""
