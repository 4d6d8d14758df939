"""Integer facts: does a condition follow from the path? Fourier-Motzkin elimination, which never says yes wrongly."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.terms import Term

Row = tuple[dict[Term, int], int]
_LIMIT = 160


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
        if _eliminate(complete):
            return True
        different = [p for p in plain if p.data == "!=" and p.total]
        if different:
            complete = _separate(complete, different)
            if _eliminate(complete):
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
_FACTS: dict[Term, tuple[Row, ...]] = {}


def forget() -> None:
    """Drop the tables between programs."""
    _ROWS.clear()
    _FACTS.clear()


def _row(t: Term) -> Row:
    atoms, c = T.linear(t)
    return dict(atoms), c


def _rows_of(c: Term) -> tuple[Row, ...]:
    """A comparison of whole numbers as sums that are not negative; none for ``!=``."""
    found = _ROWS.get(c)
    if found is None:
        left, a = T.linear(c.args[0])
        right, b = T.linear(c.args[1])
        gap = dict(right)
        for atom, k in left.items():
            gap[atom] = gap.get(atom, 0) - k
        up: Row = ({x: k for x, k in gap.items() if k}, b - a)
        down: Row = ({x: -k for x, k in gap.items() if k}, a - b)
        found = _ROWS[c] = {
            "<": ((up[0], up[1] - 1),), "<=": (up,), ">": ((down[0], down[1] - 1),), ">=": (down,),
            "==": (up, down), "!=": (),
        }[c.data]  # fmt: skip
    return found


def _extremes(rows: list[Row]) -> list[Term]:
    """min(a, b) is one of a and b, ``x if c else y`` one of x and y: the cases of those that the rows speak of."""
    out: dict[Term, None] = {}
    for atoms, _ in rows:
        for a in atoms:
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
        atoms, k = _row(T.sub(*c.args))
        if not any(set(atoms) & set(r[0]) for r in rows):
            continue
        negative: Row = ({a: -x for a, x in atoms.items()}, -k - 1)
        positive: Row = (dict(atoms), k - 1)
        if _eliminate([*rows, negative]):
            rows = [*rows, positive]
        elif _eliminate([*rows, positive]):
            rows = [*rows, negative]
    return rows


def _with_atom_facts(rows: list[Row]) -> list[Row]:
    """Add what is known of each atom by its operation."""
    out = list(rows)
    seen: set[Term] = set()
    at = 0
    while at < len(out) and len(out) < _LIMIT:
        for atom in out[at][0]:
            if atom not in seen:
                seen.add(atom)
                facts = _FACTS.get(atom)
                if facts is None:
                    facts = _FACTS[atom] = tuple(_row(fact) for fact in atom_facts(atom))
                out.extend(facts)
        at += 1
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


def _eliminate(rows: list[Row]) -> bool:
    """True when no rational point satisfies all rows (each: sum + constant >= 0). Fourier-Motzkin."""
    best: dict[tuple[tuple[Term, int], ...], int] = {}
    for atoms, c in rows:
        if not _note(best, atoms, c):
            return True
    while best:
        if len(best) > _LIMIT:
            return False
        counts: dict[Term, list[int]] = {}
        for key in best:
            for a, k in key:
                counts.setdefault(a, [0, 0])[k > 0] += 1
        chosen = min(counts, key=lambda a: counts[a][0] * counts[a][1] - counts[a][0] - counts[a][1])
        up, down, rest = [], [], {}
        for key, c in best.items():
            k = next((x for a, x in key if a is chosen), 0)
            if k > 0:
                up.append((dict(key), c, k))
            elif k < 0:
                down.append((dict(key), c, -k))
            else:
                rest[key] = c
        best = rest
        for p, c, x in up:
            for m, d, y in down:
                sums = {a: k * y for a, k in p.items() if a is not chosen}
                for a, k in m.items():
                    if a is not chosen:
                        sums[a] = sums.get(a, 0) + k * x
                if not _note(best, sums, c * y + d * x):
                    return True
    return False


def _note(best: dict[tuple[tuple[Term, int], ...], int], atoms: dict[Term, int], c: int) -> bool:
    """Keep the strongest of rows with equal left sides, divided down; False when the row can never hold."""
    pairs = [(a, k) for a, k in atoms.items() if k]
    if not pairs:
        return c >= 0
    divisor = gcd(*(k for _, k in pairs))
    if divisor > 1:
        pairs = [(a, k // divisor) for a, k in pairs]
        c = c // divisor  # whole numbers: rounding down loses no solution
    pairs.sort(key=lambda item: item[0].serial)
    key = tuple(pairs)
    old = best.get(key)
    if old is None or c < old:
        best[key] = c
    return True
