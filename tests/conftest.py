"""What holds for every test: waiting threads sleep (two workers and torch share the cores), tiers are opt-in."""

import os

# before any test imports torch; see attndsl/cli/__init__.py
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
