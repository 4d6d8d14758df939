"""Integer facts: does a condition follow from the path? The prover never says yes wrongly."""

from __future__ import annotations

from collections.abc import Iterable

from attndsl.dsl.pyimport.lift import elimination
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.elimination import LIMIT, Row, contradicts, row
from attndsl.dsl.pyimport.lift.terms import Term


class Prover:
    """Answers ``implies(path, condition)``; remembers its answers."""

    def __init__(self) -> None:
        self._answers: dict[tuple[tuple[Term, ...], Term], bool] = {}

    def implies(self, path: tuple[Term, ...], goal: Term) -> bool:
        """The goal is true whenever all of the path is."""
        if goal is T.TRUE or goal in path:
            return True
        if goal.op == "and":
            return all(self.implies(path, g) for g in goal.args)
        if goal.op == "or" and any(self.implies(path, g) for g in goal.args):
            return True
        key = (path, goal)
        if key not in self._answers:
            self._answers[key] = self._prove(path, goal)
        return self._answers[key]

    def excludes(self, path: tuple[Term, ...], goal: Term) -> bool:
        """The goal is false whenever all of the path is true."""
        return self.implies(path, T.not_(goal))

    def impossible(self, conditions: Iterable[Term]) -> bool:
        """The conditions cannot hold together."""
        flat = [p for c in conditions for p in _parts(c)]
        known = set(flat)
        if T.FALSE in known or any(T.not_(p) in known for p in flat):
            return True
        return self._infeasible(flat)

    def _prove(self, path: tuple[Term, ...], goal: Term) -> bool:
        flat = [p for c in path for p in _parts(c)]
        if goal in flat:
            return True
        for p in flat:  # a disjunction of which all but the goal are excluded
            if p.op == "or" and goal in p.args and all(o is goal or T.not_(o) in flat for o in p.args):
                return True
        if goal.op == "some" and _certain(goal.args[0], flat):
            return True
        if goal.op == "not" and _is_integer(goal.args[0]):
            return self._infeasible([*flat, goal.args[0]])
        if not _is_integer(goal):
            return goal.op == "or" and self._infeasible([*flat, *(T.not_(g) for g in goal.args)])
        if not goal.total and not all(_certain(x, flat) or T.some(x) in flat for x in _optional_parts(goal)):
            return False
        if goal.op == "cmp" and goal.data == "==":
            left, right = goal.args
            return self._infeasible([*flat, T.compare("<", left, right)]) and self._infeasible(
                [*flat, T.compare(">", left, right)]
            )
        return self._infeasible([*flat, _negated(goal)])

    def _infeasible(self, conditions: list[Term]) -> bool:
        """No whole numbers satisfy all the comparisons among the conditions; ``False`` when unknown."""
        known = set(conditions)
        plain: list[Term] = []
        choices: list[Term] = []
        for c in conditions:
            if c.op == "or":
                c = T.disj([a for a in c.args if not any(T.not_(p) in known for p in _parts(a))])
            for p in _parts(c):
                if _is_integer(p):
                    plain.append(p)
                elif p.op == "or" and len(p.args) <= 3 and all(any(_is_integer(x) for x in _parts(a)) for a in p.args):
                    choices.append(p)
        return self._decide(plain, choices[:3], True)

    def _decide(self, plain: list[Term], choices: list[Term], more: bool) -> bool:
        if not plain:
            return False
        rows = [r for p in plain for r in _rows_of(p)]
        complete = _with_atom_facts(rows)
        if contradicts(complete):
            return True
        different = [p for p in plain if p.data == "!=" and p.total]
        if different:
            complete = _separate(complete, different)
            if contradicts(complete):
                return True
        if more:
            choices = [*choices, *_extremes(complete)][:4]
        if not choices:
            return False
        first, *rest = choices
        return all(self._decide([*plain, *(x for x in _parts(a) if _is_integer(x))], rest, False) for a in first.args)


def _parts(c: Term) -> tuple[Term, ...]:
    return c.args if c.op == "and" else (c,)


def _certain(value: Term, flat: list[Term]) -> bool:
    """``value`` is not none because a condition that reads it holds."""
    for p in flat:
        if p.op == "cmp" and p.data != "!=" and value in _strict_parts(p):
            return True
        if p.op in ("member", "substring", "some") and value in _strict_parts(p):
            return True
    return False


def _strict_parts(p: Term) -> set[Term]:
    out: set[Term] = set()
    stack = list(p.args)
    while stack:
        at = stack.pop()
        out.add(at)
        if at.op in ("feature", "method", "windex", "wordat", "bin", "linear", "neg", "slice") or at.op == "func":
            stack.extend(at.args)
    return out


_NEGATION = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _negated(c: Term) -> Term:
    """The opposite of a comparison whose sides are known not to be none."""
    return T.mk("cmp", _NEGATION[c.data], c.args, "bool")


def _optional_parts(t: Term) -> list[Term]:
    """The outermost terms inside that may be none."""
    out: list[Term] = []
    stack = list(t.args)
    while stack:
        at = stack.pop()
        if at.total:
            continue
        if at.op in ("agg", "index", "none", "ite"):
            out.append(at)
        else:
            stack.extend(at.args)
    return out


def _is_integer(t: Term) -> bool:
    return t.op == "cmp" and all(a.kind == "int" for a in t.args)


_ROWS: dict[Term, tuple[Row, ...]] = {}
_FACTS: dict[int, tuple[Row, ...]] = {}


def forget() -> None:
    """Drop the tables between programs."""
    _ROWS.clear()
    _FACTS.clear()
    elimination.forget()


def _rows_of(c: Term) -> tuple[Row, ...]:
    """A comparison of whole numbers as sums that are not negative; none for ``!=``."""
    found = _ROWS.get(c)
    if found is None:
        left, a = T.linear(c.args[0])
        right, b = T.linear(c.args[1])
        gap = dict(right)
        for atom, k in left.items():
            gap[atom] = gap.get(atom, 0) - k
        opposite = {x: -k for x, k in gap.items()}
        found = _ROWS[c] = {
            "<": lambda: (row(gap, b - a - 1),), "<=": lambda: (row(gap, b - a),),
            ">": lambda: (row(opposite, a - b - 1),), ">=": lambda: (row(opposite, a - b),),
            "==": lambda: (row(gap, b - a), row(opposite, a - b)), "!=": lambda: (),
        }[c.data]()  # fmt: skip
    return found


def _extremes(rows: list[Row]) -> list[Term]:
    """min(a, b) is one of a and b, ``x if c else y`` one of x and y: the cases of those that the rows speak of."""
    out: dict[Term, None] = {}
    for pairs, _ in rows:
        for number, _ in pairs:
            a = elimination.atom(number)
            if a.op == "func" and a.kind == "int" and a.data in ("min", "max"):
                op = ">=" if a.data == "min" else "<="
                out.setdefault(T.mk("or", None, tuple(T.mk("cmp", op, (a, x), "bool") for x in a.args), "bool"))
            elif a.op == "ite" and a.kind == "int":
                c, then, other = a.args
                first, second = (T.mk("cmp", "==", (a, x), "bool") for x in (then, other))
                cases = (T.mk("and", None, (first, c), "bool"), T.mk("and", None, (second, T.not_(c)), "bool"))
                out.setdefault(T.mk("or", None, cases, "bool"))
    return list(out)


def _separate(rows: list[Row], different: list[Term]) -> list[Row]:
    """x != 0 sharpens x >= 0 to x >= 1, and x <= 0 to x <= -1."""
    for c in different[:8]:
        atoms, k = T.linear(T.sub(*c.args))
        numbers = {a.serial for a in atoms}
        if not any(a in numbers for pairs, _ in rows for a, _ in pairs):
            continue
        negative = row({a: -x for a, x in atoms.items()}, -k - 1)
        positive = row(atoms, k - 1)
        if contradicts([*rows, negative]):
            rows = [*rows, positive]
        elif contradicts([*rows, positive]):
            rows = [*rows, negative]
    return rows


def _with_atom_facts(rows: list[Row]) -> list[Row]:
    """Add what is known of each atom by its operation."""
    out = list(rows)
    seen: set[int] = set()
    for pairs, _ in out:  # the list grows while it is walked
        if len(out) >= LIMIT:
            break
        for number, _ in pairs:
            if number not in seen:
                seen.add(number)
                facts = _FACTS.get(number)
                if facts is None:
                    known = atom_facts(elimination.atom(number))
                    facts = _FACTS[number] = tuple(row(*T.linear(fact)) for fact in known)
                out.extend(facts)
    return out


def atom_facts(t: Term) -> list[Term]:
    """Int terms that are never negative because of what t is."""
    match t.op:
        case "n":
            return [T.sub(t, T.ONE)]
        case "windex":
            return [t, T.sub(T.sub(WORD_COUNT, T.ONE), t)]
        case "agg" if t.data == "count":
            whole = t.args[0] is T.NONE and t.args[2] is T.ZERO and t.args[3] is T.N
            return [t, T.sub(T.N, t)] if whole else [t]
        case "agg" if t.data in ("first", "last", "nth", "argmax", "argmin") and t.args[0] is T.NONE:
            low, high = t.args[2], t.args[3]
            return [T.sub(t, low), T.sub(T.sub(high, T.ONE), t)] if low.kind == high.kind == "int" else []
        case "func" if t.kind == "int":
            return _function_facts(t)
        case "bin" if t.data in ("%", "//") and T.is_const(t.args[1]) and t.args[1].data > 0:
            d = t.args[1]
            if t.data == "%":
                return [t, T.sub(T.sub(d, T.ONE), t)]
            rest = T.sub(t.args[0], T.mul(d, t))
            return [rest, T.sub(T.sub(d, T.ONE), rest)]
        case "method" if t.data == "find":
            return [T.add(t, T.ONE)]
        case "ite" if t.args[1].kind == t.args[2].kind == "int" and T.is_const(t.args[1]) and T.is_const(t.args[2]):
            small, large = sorted(a.data for a in t.args[1:])
            return [T.sub(t, T.const(small)), T.sub(T.const(large), t)]
    return []


def _function_facts(t: Term) -> list[Term]:
    if t.data == "len":
        return [t]
    if t.data == "min":
        return [T.sub(a, t) for a in t.args]
    if t.data == "max":
        return [T.sub(t, a) for a in t.args]
    if t.data == "abs":
        return [T.sub(t, t.args[0]), T.add(t, t.args[0])]
    return []


_w = T.fresh("word")
WORD_COUNT = T.agg("count", _w, T.ALL_WORDS, T.NONE, T.NONE, T.TRUE)
