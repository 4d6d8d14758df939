"""Integer facts: does a condition follow from the path? Fourier-Motzkin over the conjuncts, which never says yes wrongly."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.terms import Term

Row = tuple[dict[Term, Fraction], Fraction]
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
        if not _is_integer(goal) and goal.op not in ("and", "or", "not"):
            return False
        if goal.op == "cmp" and goal.data == "==":
            left, right = goal.args
            return self._infeasible([*flat, T.compare("<", left, right)]) and self._infeasible(
                [*flat, T.compare(">", left, right)]
            )
        return self._infeasible([*flat, T.not_(goal)])

    def _infeasible(self, conditions: list[Term]) -> bool:
        rows: list[Row] = []
        different: list[Term] = []
        choices: list[Term] = []
        for c in _resolved(conditions):
            if _is_integer(c):
                _add_comparison(c, rows, different)
            elif c.op == "or" and all(any(_is_integer(x) for x in _parts(a)) for a in c.args) and len(c.args) <= 3:
                choices.append(c)
        if not rows:
            return False
        if _split_cases(rows, different, []):
            return True
        choices = [*choices, *_extremes(rows)][:4]
        return bool(choices) and _split_cases(rows, different, choices)


def _parts(c: Term) -> tuple[Term, ...]:
    return c.args if c.op == "and" else (c,)


def _resolved(conditions: list[Term]) -> list[Term]:
    """Drop alternatives that another condition excludes."""
    known = set(conditions)
    out: list[Term] = []
    for c in conditions:
        if c.op == "or":
            left = [a for a in c.args if not any(T.not_(p) in known for p in _parts(a))]
            c = T.disj(left)
        out.extend(_parts(c))
    return out


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
        if at.op in ("feature", "method", "windex", "wordat", "bin", "linear", "neg", "slice"):
            stack.extend(at.args)
        elif at.op == "func":
            stack.extend(at.args)
    return out


def _is_integer(t: Term) -> bool:
    return t.op == "cmp" and all(a.kind == "int" for a in t.args)


def _row(t: Term) -> Row:
    atoms, c = T.linear(t)
    return {a: Fraction(k) for a, k in atoms.items()}, Fraction(c)


def _add_comparison(c: Term, rows: list[Row], different: list[Term]) -> None:
    a, b = c.args
    ascending, descending = T.sub(b, a), T.sub(a, b)
    match c.data:
        case "<":
            rows.append(_row(T.sub(ascending, T.ONE)))
        case "<=":
            rows.append(_row(ascending))
        case ">":
            rows.append(_row(T.sub(descending, T.ONE)))
        case ">=":
            rows.append(_row(descending))
        case "==":
            rows.extend((_row(ascending), _row(descending)))
        case "!=":
            different.append(descending)


def _split_cases(rows: list[Row], different: list[Term], choices: list[Term]) -> bool:
    for c in choices:
        rest = [x for x in choices if x is not c]
        for alternative in c.args:
            more, apart = list(rows), list(different)
            for p in _parts(alternative):
                if _is_integer(p):
                    _add_comparison(p, more, apart)
            if not _split_cases(more, apart, rest):
                return False
        return True
    complete = _with_atom_facts(rows)
    complete = _separate(complete, different)
    return _eliminate(complete)


def _extremes(rows: list[Row]) -> list[Term]:
    """min(a, b) is one of a and b: the cases of those that the rows speak of."""
    out: dict[Term, None] = {}
    for atoms, _ in _with_atom_facts(rows):
        for a in atoms:
            if a.op == "func" and a.kind == "int" and a.data in ("min", "max"):
                op = ">=" if a.data == "min" else "<="
                out.setdefault(T.disj([T.mk("cmp", op, (a, x), "bool") for x in a.args]))
    return list(out)


def _separate(rows: list[Row], different: list[Term]) -> list[Row]:
    """x != 0 sharpens x >= 0 to x >= 1, and x <= 0 to x <= -1."""
    for term in different[:8]:
        atoms, c = _row(term)
        rows = _with_atom_facts([*rows])
        if not any(set(atoms) <= set(r[0]) | set(atoms) and set(atoms) & set(r[0]) for r in rows):
            continue
        negative: Row = ({a: -k for a, k in atoms.items()}, -c - 1)
        positive: Row = (dict(atoms), c - 1)
        if _eliminate([*rows, negative]):
            rows.append(positive)
        elif _eliminate([*rows, positive]):
            rows.append(negative)
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
                out.extend(_row(fact) for fact in atom_facts(atom))
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
            return [t]
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
    """True when no rational point satisfies all rows (each: sum + constant >= 0)."""
    rows = _distinct(rows)
    while True:
        if any(not atoms and c < 0 for atoms, c in rows):
            return True
        rows = [r for r in rows if r[0]]
        if not rows or len(rows) > _LIMIT:
            return False
        counts: dict[Term, list[int]] = {}
        for atoms, _ in rows:
            for a, k in atoms.items():
                counts.setdefault(a, [0, 0])[k > 0] += 1
        chosen = min(counts, key=lambda a: counts[a][0] * counts[a][1] - counts[a][0] - counts[a][1])
        up = [r for r in rows if r[0].get(chosen, 0) > 0]
        down = [r for r in rows if r[0].get(chosen, 0) < 0]
        rows = [r for r in rows if chosen not in r[0]]
        rows.extend(_combine(p, m, chosen) for p in up for m in down)
        rows = _distinct(rows)


def _combine(p: Row, m: Row, atom: Term) -> Row:
    x, y = -m[0][atom], p[0][atom]
    sums = {a: p[0].get(a, Fraction(0)) * x + m[0].get(a, Fraction(0)) * y for a in p[0].keys() | m[0].keys()}
    return {a: k for a, k in sums.items() if k}, p[1] * x + m[1] * y


def _distinct(rows: list[Row]) -> list[Row]:
    """Scale rows to a common form; of equal left sides keep the strongest."""
    best: dict[tuple[tuple[Term, Fraction], ...], Fraction] = {}
    for atoms, c in rows:
        if atoms:
            scale = max(abs(k) for k in atoms.values())
            key = tuple(sorted(((a, k / scale) for a, k in atoms.items()), key=lambda item: id(item[0])))
            best[key] = min(best.get(key, c / scale), c / scale)
        else:
            best[()] = min(best.get((), c), c)
    return [(dict(key), c) for key, c in best.items()]
