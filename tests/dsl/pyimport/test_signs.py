"""Which numbers are certainly positive, not negative or not zero, and which powers are real: true and recorded."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from term_meaning import World, meaning, shown
from test_terms import over, same_as_recorded, the

from attndsl.dsl.pyimport.lift import linear, operators
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.linear import Prover
from attndsl.dsl.pyimport.lift.machine import NotLiftable
from attndsl.dsl.pyimport.lift.term import Term

TEXTS = (("the",), ("b", "a", "the"))
WORLDS = [
    World(t, {"q": q, "k": k, "x": x, "s": s, "u": u})
    for t in TEXTS
    for q, k in itertools.product(range(len(t)), repeat=2)
    for x, s, u in itertools.product((-1.5, 0.0, 0.5), (0.25, 2.0), (0.0, 0.75))
]


class _Asked:
    """A machine that knows that ``s`` is positive, ``u`` not negative, and where the positions are."""

    node = None
    nonnegative = None

    def __init__(self) -> None:
        s, u = (T.mk("var", name, (), "float") for name in ("s", "u"))
        self.path = (
            T.compare(">", s, T.ZERO),
            T.compare(">=", u, T.ZERO),
            T.compare(">=", Q, T.ZERO),
            T.compare(">=", KEY, T.ZERO),
        )
        self.path = (*self.path, T.compare("!=", T.mk("var", "d", (), "float"), T.ZERO))
        self.prover = Prover()

    def holds(self, c: Term) -> bool:
        return self.prover.implies(self.path, c)

    def stop(self, reason: str, node: Any = None, code: str = "") -> NotLiftable:
        return NotLiftable(reason, None, code)


@pytest.fixture(autouse=True)
def _anew() -> None:
    T.clear()
    linear.forget()


def _numbers() -> list[Term]:
    x, s, u, d = (T.mk("var", name, (), "float") for name in "xsud")
    some = [
        x,
        s,
        u,
        T.const(0.5),
        T.const(0.0),
        T.const(-1.0),
        T.add(Q, T.ONE),
        Q,
        T.sub(Q, KEY),
        T.const(1),
        T.const(0),
    ]
    bins = [T.mk("bin", op, p, "float") for op in "+*/-" for p in itertools.product(some[:8], repeat=2)]
    powers = [T.mk("bin", "**", (a, b), "float") for a in some[:6] for b in (T.const(2), Q)]
    funcs = [T.mk("func", f, (a,), "float") for f in ("exp", "sqrt", "abs", "trunc") for a in some[:5]]
    several = [T.mk("func", f, p, "float") for f in ("max", "min") for p in itertools.product(some[:6], repeat=2)]
    choices = [T.mk("ite", None, (the(Q), a, b), "float") for a, b in itertools.product(some[:6], repeat=2)]
    deep = [T.mk("bin", "+", (b, s), "float") for b in (*several[:6], *choices[:6])]
    return [*some, d, *bins, *powers, *funcs, *several, *choices, *deep, over("count", the), T.N]


def _value(t: Term, world: World) -> Any:
    try:
        return meaning(t, world)
    except (ArithmeticError, AssertionError, KeyError, ValueError):
        return None


def test_a_sign_is_what_the_number_has_and_recorded(request: pytest.FixtureRequest) -> None:
    lines, m = [], _Asked()
    for t in _numbers():
        answers = {
            "above": operators.positive(m, t),  # type: ignore[arg-type]
            "not below": operators.positive(m, t, False),  # type: ignore[arg-type]
            "not zero": operators.nonzero(m, t),  # type: ignore[arg-type]
        }
        for world in WORLDS:
            value = _value(t, world)
            if isinstance(value, complex) or value is None:
                continue
            assert not answers["above"] or value > 0, shown(t)
            assert not answers["not below"] or value >= 0, shown(t)
            assert not answers["not zero"] or value != 0, shown(t)
        lines.append(f"{shown(t)}: {', '.join(name for name, yes in answers.items() if yes) or 'unknown'}\n")
    same_as_recorded("signs", lines, request)


def test_a_power_that_passes_is_real_and_recorded(request: pytest.FixtureRequest) -> None:
    lines, m = [], _Asked()
    x, s, u = (T.mk("var", name, (), "float") for name in "xsu")
    bases = [x, s, u, Q, T.add(Q, T.ONE), T.sub(Q, KEY), T.const(0), T.const(2.0), T.const(-1)]
    for a, b in itertools.product(bases, [*bases, T.const(0.5), T.const(2), T.const(-0.5), T.const(0.0)]):
        try:
            operators._check_power(m, a, b)  # type: ignore[arg-type]
        except NotLiftable as stop:
            assert stop.code == "E0314"
            continue
        for world in WORLDS:
            left, right = meaning(a, world), meaning(b, world)
            assert left > 0 or right >= 0, (shown(a), shown(b))
            assert not isinstance(left**right, complex), (shown(a), shown(b))
        lines.append(f"{shown(a)} ** {shown(b)}\n")
    same_as_recorded("powers", lines, request)
