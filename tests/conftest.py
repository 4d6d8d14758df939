"""What holds for every test: waiting threads sleep (two workers and torch share the cores), tiers are opt-in."""

import os
import sys

import pytest

# before any test imports torch; see attndsl/cli/__init__.py
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_addoption(parser):
    """``pytest --update-golden`` records golden files anew; the change is to be read before it is committed."""
    parser.addoption("--update-golden", action="store_true", help="record the files under tests/golden anew")


@pytest.fixture(autouse=True)
def _mistakes_of_the_lifter_are_seen(request, monkeypatch):
    """A rule of the lifter that fails costs a user's program its rules only; a test it fails."""
    lift = sys.modules.get("attndsl.dsl.pyimport.lift")
    if lift is None or request.node.get_closest_marker("mistakes"):
        return
    stopped = lift._stopped

    def seen(m, reason, code, node=None):
        if code == lift.BUG:
            raise  # the mistake that is being handled
        return stopped(m, reason, code, node)

    monkeypatch.setattr(lift, "_stopped", seen)
