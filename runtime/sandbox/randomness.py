"""Random numbers for programs: always from a seed, never from the machine.

The generators that Python and numpy share between callers are replaced by ones that start anew for every run of a
program, from ``seed + run``. The same seed gives the numbers that ``random.seed(seed)`` or ``numpy.random.seed(seed)``
would give; a second run gets another seed, so that a program that draws without seeding itself is found out.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.runtime.sandbox.arrays import wrap
from attndsl.runtime.sandbox.guards import SPECIAL, Facade
from attndsl.runtime.sandbox.names import ATTRIBUTES, listed

_PYTHON = listed(
    "betavariate choice choices expovariate gauss getrandbits lognormvariate normalvariate randint "
    "random randrange sample seed shuffle triangular uniform"
)
_NUMPY = listed(
    "beta binomial choice dirichlet exponential gamma lognormal normal permutation poisson rand "
    "randint randn random random_sample seed shuffle standard_normal uniform"
)
_GENERATOR = listed(
    "beta choice dirichlet exponential gamma integers lognormal normal permutation permuted poisson "
    "random shuffle standard_normal uniform"
)


class _Shared:
    """The generators that module-level functions draw from, made when first used in a run."""

    def __init__(self) -> None:
        self.start(0)

    def start(self, seed: int) -> None:
        self.seed = seed
        self.used: dict[str, Any] = {}

    def get(self, name: str, make: Callable[[int], Any]) -> Any:
        if name not in self.used:
            self.used[name] = make(self.seed)
        return self.used[name]


_shared = _Shared()


def start_run(seed: int) -> None:
    """Begin a run: module-level generators start from ``seed``."""
    _shared.start(seed)


def _from_python(name: str) -> Callable[..., Any]:
    def draw(*args: Any, **kwargs: Any) -> Any:
        generator = _shared.get("python", random.Random)
        if name == "seed" and (not args or args[0] is None):
            args = (_shared.seed,)
        return getattr(generator, name)(*args, **kwargs)

    return draw


def _from_numpy(name: str) -> Callable[..., Any]:
    def draw(*args: Any, **kwargs: Any) -> Any:
        generator = _shared.get("numpy", _seeded_state)
        if name == "seed" and (not args or args[0] is None):
            args = (_shared.seed,)
        return wrap(getattr(generator, name))(*args, **kwargs)

    return draw


def _python_random(seed: Any = None) -> random.Random:
    return random.Random(_shared.seed if seed is None else seed)


def _seeded_state(seed: Any) -> Any:
    """``np.random.RandomState(seed)``, whose constructor would first ask the machine for randomness."""
    state = np.random.RandomState(np.random.MT19937(0))
    state.seed(seed)
    return state


def _numpy_state(seed: Any = None) -> Any:
    return _seeded_state(_shared.seed if seed is None else seed)


def _numpy_generator(seed: Any = None) -> Any:
    return np.random.Generator(np.random.PCG64(_shared.seed if seed is None else seed))


def _checked_method(name: str) -> Callable[[Any], Any]:
    def bound(generator: Any) -> Any:
        if name == "seed":
            return lambda seed=None: generator.seed(_shared.seed if seed is None else seed)
        return wrap(getattr(generator, name))

    return bound


def _register_types() -> None:
    ATTRIBUTES[random.Random] = frozenset(_PYTHON)
    SPECIAL[(random.Random, "seed")] = _checked_method("seed")
    ATTRIBUTES[np.random.RandomState] = frozenset(_NUMPY)
    ATTRIBUTES[np.random.Generator] = frozenset(_GENERATOR)
    for name in _NUMPY:
        SPECIAL[(np.random.RandomState, name)] = _checked_method(name)
    for name in _GENERATOR:
        SPECIAL[(np.random.Generator, name)] = _checked_method(name)


_register_types()
PYTHON_RANDOM = Facade("random", {**{name: _from_python(name) for name in _PYTHON}, "Random": _python_random})
NUMPY_RANDOM = Facade(
    "numpy.random",
    {**{name: _from_numpy(name) for name in _NUMPY}, "RandomState": _numpy_state, "default_rng": _numpy_generator},
)
