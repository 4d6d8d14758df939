"""IR operations as z3 terms: the value of one cell at positions that are unknown, of a text that is unknown.

Columns of the text are uninterpreted functions of the position, so what is proved holds for every text of every length.
Two kinds of arithmetic are kept apart. In *real* terms weights are real numbers (constants to 12 digits), so that a
sum in another order is the same. Where a value jumps (comparisons, ``floor``, positions) the last digit of a float
would matter: what stands there is an *exact* term, in which sums and products of fractions are unknown functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

import z3

from attndsl.compiler.ir import REDUCTIONS, Op, is_word_axis
from attndsl.compiler.texts import code_of, text_map, text_of
from attndsl.runtime.equivalence.facts import Facts

Env = Mapping[str, Any]
DIGITS = 12
"""Constants are rounded to this many significant digits in real terms: 0.1 + 0.2 is 0.3 there."""


def numbers(a: Any, b: Any) -> tuple[Any, Any]:
    """Two numbers of one sort."""
    if a.sort() == b.sort():
        return a, b
    return (z3.ToReal(a) if a.is_int() else a), (z3.ToReal(b) if b.is_int() else b)


def real(a: Any) -> Any:
    return z3.ToReal(a) if a.is_int() else a


class Reducing(Protocol):
    """What the translation asks of the part that knows about whole axes (``reductions.py``)."""

    def __call__(self, op: Op, env: Env, exact: bool) -> Any: ...
    def never_negative(self, op: Op) -> bool: ...
    def say_inverse(self, divisor: Any, inverse: Any) -> None: ...


class Terms:
    """Translates operations of one graph. ``checked`` are the divisors that an error guards: never zero where read."""

    def __init__(self, reduction: Reducing, checked: frozenset[int]) -> None:
        self.facts = Facts()
        self.reduction = reduction
        self.checked = checked
        self.size = z3.Int("n")
        self.words = z3.Int("m")
        self.texts: set[int] = set()
        self.maps: dict[tuple[Any, ...], Any] = {}
        self._memo: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._wild: dict[int, bool] = {}

    def at(self, op: Op, env: Env, exact: bool = False) -> Any:
        """The value of an operation where its axes have the positions of ``env``."""
        places = [env[axis] for axis in op.axes]
        key = (op.id, exact, *(place.get_id() for place in places))
        if key not in self._memo:  # the places are kept with it: z3 gives the numbers of dead terms to others
            self._memo[key] = (self._make(op, env, exact), *places)
        return self._memo[key][0]

    def known_texts(self) -> list[Any]:
        """What the text functions of this translation give for the literal texts that it met."""
        found = []
        for (name, constants, dtype, arity), function in list(self.maps.items()):
            if arity != 1:
                continue
            call = text_map(name, constants, dtype, 1).call
            for code in sorted(self.texts):
                value = call(text_of(code), *constants)
                if value is not None:
                    found.append(function(z3.IntVal(code)) == self._literal(value, dtype))
        return found

    def _literal(self, value: Any, dtype: str) -> Any:
        if dtype == "s":
            return z3.IntVal(code_of(value))
        return z3.BoolVal(bool(value)) if dtype == "b" else z3.RealVal(str(value))

    # ------------------------------------------------------------ by operation

    def _make(self, op: Op, env: Env, exact: bool) -> Any:
        if op.name in REDUCTIONS or op.name == "rank":
            return self.reduction(op, env, exact)
        match op.name:
            case "const":
                return self._constant(op, exact)
            case "text":
                self.texts.add(code_of(op.attr))
                return z3.IntVal(code_of(op.attr))
            case "n":
                return self.size
            case "iota":
                return env[op.attr]
            case "column" | "relation" | "host":
                return self._function(f"{op.name} {op.attr}", [env[axis] for axis in op.axes], self._sort(op))
            case "map_text":
                return self._map_text(op, [self.at(arg, env, exact) for arg in op.args])
            case "rename":
                old, new = op.attr
                return self.at(op.args[0], {**env, old: env[new]}, exact)
            case "gather":
                return self.at(op.args[0], {**env, op.attr: self.position(op.args[1], env)}, exact)
            case "lt" | "le" | "eq":
                return self._compare(op, env)
            case "and":
                return z3.And(*(self.at(arg, env, exact) for arg in op.args))
            case "or":
                return z3.Or(*(self.at(arg, env, exact) for arg in op.args))
            case "not":
                return z3.Not(self.at(op.args[0], env, exact))
            case "float":
                return z3.If(self.at(op.args[0], env, exact), z3.IntVal(1), z3.IntVal(0))
            case "select":
                condition = self.at(op.args[0], env, exact)
                then, other = (self.at(arg, env, exact) for arg in op.args[1:])
                return z3.If(condition, *(numbers(then, other) if op.dtype == "f" else (then, other)))
        return self._arithmetic(op, env, exact)

    def position(self, index: Op, env: Env) -> Any:
        """A number as a position. What is read there outside the text is masked by whoever reads it."""
        term = self.at(index, env, exact=True)
        return term if term.is_int() else z3.ToInt(term)

    def _constant(self, op: Op, exact: bool) -> Any:
        if op.dtype == "b":
            return z3.BoolVal(op.attr)
        if not math.isfinite(op.attr):
            return z3.Real(f"constant {op.attr}")
        if float(op.attr).is_integer():
            return z3.IntVal(int(op.attr))
        value = Fraction(op.attr) if exact else Fraction(f"{op.attr:.{DIGITS}g}")
        return z3.RealVal(f"{value.numerator}/{value.denominator}")

    def _sort(self, op: Op) -> Any:
        if op.dtype == "b":
            return z3.BoolSort()
        return z3.IntSort() if op.dtype == "s" or self.facts.integral(op) else z3.RealSort()

    def _function(self, name: str, args: Sequence[Any], sort: Any) -> Any:
        if not args:
            return z3.Const(name, sort)
        return z3.Function(name, *(arg.sort() for arg in args), sort)(*args)

    def _map_text(self, op: Op, args: list[Any]) -> Any:
        name, constants = op.attr
        if name == "in_set":
            codes = [code_of(text) for text in sorted(constants[0])]
            self.texts.update(codes)
            return z3.Or(*(args[0] == z3.IntVal(code) for code in codes))
        key = (name, constants, op.dtype, len(args))
        if key not in self.maps:
            sort = {"b": z3.BoolSort(), "s": z3.IntSort(), "f": z3.RealSort()}[op.dtype]
            self.maps[key] = z3.Function(f"text {key!r}", *(arg.sort() for arg in args), sort)
        found = self.maps[key](*args)
        return z3.ToInt(found) if op.dtype == "f" and self.facts.integral(op) else found

    def _compare(self, op: Op, env: Env) -> Any:
        a, b = op.args
        exact = not (a.dtype == "s" or (self.facts.integral(a) and self.facts.integral(b)) or self._with_zero(a, b))
        left, right = self.at(a, env, exact), self.at(b, env, exact)
        left, right = (left, right) if a.dtype == "s" else numbers(left, right)
        return {"lt": lambda: left < right, "le": lambda: left <= right, "eq": lambda: left == right}[op.name]()

    def _with_zero(self, a: Op, b: Op) -> bool:
        """Whether a number that is never negative is compared with 0: rounding cannot change the answer."""
        for one, other in ((a, b), (b, a)):
            if one.name == "const" and one.attr == 0 and not self.wild(other) and self._never_negative(other):
                return True
        return False

    def _never_negative(self, op: Op) -> bool:
        return self.facts.low(op) >= 0 or (op.name == "sum" and self.reduction.never_negative(op))

    # ------------------------------------------------------------ numbers

    def wild(self, op: Op) -> bool:
        """Whether a number may be infinite or nan, where real arithmetic does not hold. Overflow is left out."""
        if op.id not in self._wild:
            self._wild[op.id] = self._may_be_wild(op)
        return self._wild[op.id]

    def _may_be_wild(self, op: Op) -> bool:
        if op.name in ("lt", "le", "eq", "and", "or", "not", "float", "map_text", "any", "first", "last", "rank"):
            return False
        if op.name == "const":
            return op.dtype == "f" and not math.isfinite(op.attr)
        if op.name in ("div", "floordiv", "mod") and not self._never_zero(op.args[1]):
            return True
        if op.name in ("log", "sqrt") and not self.facts.low(op.args[0]) >= (0 if op.name == "sqrt" else 1e-300):
            return True
        values = op.args[1:] if op.name == "select" else op.args[:1] if op.name == "gather" else op.args
        return any(self.wild(arg) for arg in values)

    def _never_zero(self, op: Op) -> bool:
        constant = op.name == "const" and op.attr != 0 and math.isfinite(op.attr)
        return constant or op.id in self.checked or self.facts.low(op) > 0 or _one_for_zero(op)

    def _arithmetic(self, op: Op, env: Env, exact: bool) -> Any:
        whole = self.facts.integral(op)
        args = [self.at(arg, env, exact) for arg in op.args]
        strange = any(self.wild(arg) for arg in op.args)
        if op.name in ("min", "max", "neg", "abs") and not strange:
            return _choosing(op.name, args)
        if op.name in ("floor", "ceil", "round", "trunc"):
            return self._rounded(op, env, whole)
        if op.name in ("floordiv", "mod"):
            return self._division(op, env, whole)
        if (whole or not exact) and not strange:
            found = self._plain(op, args)
            if found is not None:
                return found
        if op.name in ("add", "mul"):  # of floats too the order of two does not matter
            args = sorted((real(arg) for arg in args), key=lambda arg: int(arg.get_id()))
        return self._function(f"{'exact' if exact else 'real'} {op.name}", [real(arg) for arg in args], z3.RealSort())

    def _plain(self, op: Op, args: list[Any]) -> Any:
        """Real arithmetic; None where it has none. A quotient is a product with an unknown function of the divisor."""
        match op.name:
            case "add":
                a, b = numbers(*args)
                return a + b
            case "sub":
                a, b = numbers(*args)
                return a - b
            case "mul":
                a, b = numbers(*args)
                return a * b
            case "div":
                divisor = z3.simplify(real(args[1]))
                if z3.is_rational_value(divisor) and divisor.as_fraction() != 0:
                    return real(args[0]) / divisor
                inverse = self._function("inverse", [divisor], z3.RealSort())
                self.reduction.say_inverse(divisor, inverse)
                return real(args[0]) * inverse
            case "pow" if op.args[1].name == "const" and op.args[1].attr == 2:
                return args[0] * args[0]
        return None

    def _rounded(self, op: Op, env: Env, whole: bool) -> Any:
        arg = self.at(op.args[0], env, exact=True)
        if arg.is_int():
            return arg
        if op.name == "floor" and not self.wild(op.args[0]):
            return z3.ToInt(arg)
        found = self._function(f"exact {op.name}", [arg], z3.IntSort() if whole else z3.RealSort())
        return found

    def _division(self, op: Op, env: Env, whole: bool) -> Any:
        a, b = (self.at(arg, env, exact=True) for arg in op.args)
        divisor = op.args[1]
        if a.is_int() and b.is_int() and divisor.name == "const" and divisor.attr > 0:
            return a / b if op.name == "floordiv" else a % b  # both round down, as Python does
        return self._function(f"exact {op.name}", [real(a), real(b)], z3.IntSort() if whole else z3.RealSort())


def _one_for_zero(op: Op) -> bool:
    """``if x == 0 then 1 else x``: what ``share`` and ``normalize`` divide by."""
    if op.name != "select" or op.args[0].name != "eq":
        return False
    condition, one, total = op.args
    zero = any(arg.name == "const" and arg.attr == 0 for arg in condition.args)
    return zero and total in condition.args and one.name == "const" and one.attr != 0


def _choosing(name: str, args: list[Any]) -> Any:
    if name == "neg":
        return -args[0]
    if name == "abs":
        return z3.If(args[0] < 0, -args[0], args[0])
    a, b = numbers(*args)
    return z3.If(b < a, b, a) if name == "min" else z3.If(b > a, b, a)


def axis_size(terms: Terms, axis: str) -> Any:
    """How many positions an axis has."""
    return terms.words if is_word_axis(axis) else terms.size
