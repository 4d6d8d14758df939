"""What holds for every test: waiting threads sleep (two workers and torch share the cores), tiers are opt-in."""

import os

# before any test imports torch; see attndsl/cli/__init__.py
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_addoption(parser):
    """``pytest --update-golden`` records golden files anew; the change is to be read before it is committed."""
    parser.addoption("--update-golden", action="store_true", help="record the files under tests/golden anew")
