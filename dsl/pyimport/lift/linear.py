"""Integer facts: does a condition follow from the path? The prover never says yes wrongly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attndsl.dsl.pyimport.lift import elimination
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.elimination import Row, System, row
from attndsl.dsl.pyimport.lift.existence import certain, optional_parts
from attndsl.dsl.pyimport.lift.term import spend
from attndsl.dsl.pyimport.lift.terms import Term


@dataclass(slots=True)
class _Choice:
    """A disjunction, and what it says where the rest of a path is known."""

    of: Term
    closed_by: frozenset[Term]  # what excludes a part of it
    said: tuple[list[Term], list[Term]]  # as ``_sorted`` has it


@dataclass(slots=True)
class _Path:
    """What a path says: its conditions one by one, the system of its comparisons, and what that leaves out."""

    length: int  # the conditions, some of which say several things
    flat: tuple[Term, ...]
    system: System
    plain: tuple[Term, ...]
    different: tuple[Term, ...]
    either: tuple[Term, ...]
    choices: tuple[_Choice, ...]  # those of ``either`` that speak of whole numbers


_NOWHERE = _Path(0, (), System(), (), (), (), ())
_MANY_CONDITIONS = 16  # to look through them takes as much time as making a term for every so many
_MANY_CHOICES = 4  # to look through them takes as much time as making a term for every so many
_MAX_ROWS = 100_000  # of all the paths that are remembered together


class Prover:
    """Answers ``implies(path, condition)``; remembers its answers."""

    def __init__(self) -> None:
        self._answers: dict[tuple[tuple[Term, ...], Term], bool] = {}
        self._paths: dict[tuple[Term, ...], _Path] = {}
        self._opposites: dict[tuple[Term, ...], bool] = {}
        self._rows = 0

    def implies(self, path: tuple[Term, ...], goal: Term, shared: int = 0) -> bool:
        """The goal is true whenever all of the path is. ``shared``: how much of the path others begin with, too."""
        if goal is T.TRUE or goal in path:
            return True
        key = (path, goal)
        found = self._answers.get(key)
        if found is None:
            if shared:
                self._path(path, self._path(path[:shared]))
            if goal.op == "and":
                found = all(self.implies(path, g) for g in goal.args)
            else:
                found = goal.op == "or" and any(self.implies(path, g) for g in goal.args)
                found = found or self._prove(path, goal)
            self._answers[key] = found
        return found

    def excludes(self, path: tuple[Term, ...], goal: Term) -> bool:
        """The goal is false whenever all of the path is true."""
        return self.implies(path, T.not_(goal))

    def impossible(self, conditions: Iterable[Term], start: tuple[Term, ...] = ()) -> bool:
        """The conditions cannot hold together, with those of ``start``, which are looked at once for all such calls."""
        before = self._path(start)
        flat = [p for c in conditions for p in T.parts(c)]
        known = {*before.flat, *flat}
        if len(known) > _MANY_CONDITIONS:
            spend(len(known) // _MANY_CONDITIONS)
        if T.FALSE in known or not known.isdisjoint(map(T.not_, flat)):
            return True
        if start and self._opposed(start, before):
            return True
        return self._infeasible(self._path((*start, *flat[:-1]), before), flat[-1:])

    def _opposed(self, start: tuple[Term, ...], path: _Path) -> bool:
        found = self._opposites.get(start)
        if found is None:
            found = self._opposites[start] = not set(path.flat).isdisjoint(map(T.not_, path.flat))
        return found

    def _path(self, path: tuple[Term, ...], known: _Path | None = None) -> _Path:
        """What a path says; ``known``: of a beginning of it."""
        found = self._paths.get(path)
        if found is None:
            if known is None:
                known = self._paths.get(path[:-1])
                found = _longer(_NOWHERE, path) if known is None else _longer(known, path[-1:])
            else:
                found = _longer(known, path[known.length :])
            self._rows += len(found.system.best) + len(path)
            if self._rows > _MAX_ROWS:
                self._paths.clear()
                self._rows = 0
            self._paths[path] = found
        return found

    def _prove(self, path: tuple[Term, ...], goal: Term) -> bool:
        known = self._path(path)
        flat = known.flat
        if goal in flat:
            return True
        for p in known.either:  # a disjunction of which all but the goal are excluded
            if goal in p.args and all(o is goal or T.not_(o) in flat for o in p.args):
                return True
        if goal.op == "some" and certain(goal.args[0], flat):
            return True
        if goal.op == "not" and _is_integer(goal.args[0]):
            return self._infeasible(known, [goal.args[0]])
        if not _is_integer(goal):
            return goal.op == "or" and self._infeasible(known, [T.not_(g) for g in goal.args])
        if not goal.total and not all(certain(x, flat) or T.some(x) in flat for x in optional_parts(goal)):
            return False
        if goal.data == "==":
            left, right = goal.args
            return self._infeasible(known, [T.compare("<", left, right)]) and self._infeasible(
                known, [T.compare(">", left, right)]
            )
        return self._infeasible(known, [_negated(goal)])

    def _infeasible(self, path: _Path, more: list[Term]) -> bool:
        """No whole numbers satisfy all the comparisons of the path and of the conditions; ``False`` when unknown."""
        if len(path.choices) > _MANY_CHOICES:
            spend(len(path.choices) // _MANY_CHOICES)
        found = [_said(c, more, path.flat) for c in path.choices]
        found += [_choice(c, (*path.flat, *more)).said if c.op == "or" else _sorted(c) for c in more]
        plain = [p for each, _ in found for p in each]
        choices = [c for _, each in found for c in each]
        if not (path.plain or plain):
            return False
        return _decide(path.system, path.different, plain, choices[:3], True)


def _choice(c: Term, known: tuple[Term, ...]) -> _Choice:
    """The disjunction where all these are known."""
    closed_by = frozenset([T.not_(p) for a in c.args for p in T.parts(a)])
    closed = closed_by.intersection(known)
    if closed:
        left = T.disj([a for a in c.args if not any(T.not_(p) in closed for p in T.parts(a))])
        return _Choice(c, closed_by, _sorted(left))
    return _Choice(c, closed_by, _sorted(c))


def _said(c: _Choice, more: Sequence[Term], flat: tuple[Term, ...]) -> tuple[list[Term], list[Term]]:
    """What the disjunction says where more is known than the conditions ``flat`` of its path."""
    return c.said if c.closed_by.isdisjoint(more) else _choice(c.of, (*flat, *more)).said


def _longer(path: _Path, more: tuple[Term, ...]) -> _Path:
    flat = [p for c in more for p in T.parts(c)]
    plain = [p for c in flat if c.op == "cmp" for p in _sorted(c)[0]]
    either = [p for p in flat if p.op == "or"]
    all_flat = (*path.flat, *flat)
    kept = [c if c.closed_by.isdisjoint(flat) else _choice(c.of, all_flat) for c in path.choices]
    of_numbers = (p for p in either if any(_is_integer(x) for a in p.args for x in T.parts(a)))
    return _Path(
        path.length + len(more),
        all_flat,
        path.system.extended([r for p in plain for r in _rows_of(p)], _facts_of),
        (*path.plain, *plain),
        (*path.different, *(p for p in plain if p.data == "!=" and p.total)),
        (*path.either, *either),
        (*kept, *(_choice(p, all_flat) for p in of_numbers)),
    )


def _decide(system: System, different: Sequence[Term], plain: list[Term], choices: list[Term], more: bool) -> bool:
    """Whether the system and the comparisons contradict each other, in all cases of the choices."""
    system = system.extended([r for p in plain for r in _rows_of(p)], _facts_of)
    different = [*different, *(p for p in plain if p.data == "!=" and p.total)]
    sharper = _separate(system, different)
    if sharper.contradictory:
        return True
    if more:
        choices = [*choices, *_extremes(sharper)][:4]
    if not choices:
        return False
    first, *rest = choices
    cases = ([x for x in T.parts(a) if _is_integer(x)] for a in first.args)
    return all(_decide(system, different, case, rest, False) for case in cases)


def _sorted(c: Term) -> tuple[list[Term], list[Term]]:
    """The comparisons of whole numbers that a condition says, and its choices among some."""
    found = _SORTED.get(c)
    if found is None:
        said = T.parts(c)
        plain = [p for p in said if _is_integer(p)]
        few = [p for p in said if p.op == "or" and len(p.args) <= 3]
        choices = [p for p in few if all(any(_is_integer(x) for x in T.parts(a)) for a in p.args)]
        found = _SORTED[c] = plain, choices
    return found


_NEGATION = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _negated(c: Term) -> Term:
    """The opposite of a comparison whose sides are known not to be none."""
    return T.mk("cmp", _NEGATION[c.data], c.args, "bool")


def _is_integer(t: Term) -> bool:
    return t.op == "cmp" and t.args[0].kind == "int" and t.args[1].kind == "int"


_SORTED: dict[Term, tuple[list[Term], list[Term]]] = {}
_ROWS: dict[Term, tuple[Row, ...]] = {}
_SIDES: dict[Term, tuple[Row, Row]] = {}
_FACTS: dict[int, tuple[Row, ...]] = {}
_CASES: dict[int, Term | None] = {}
_LEAST: dict[Term, int | None] = {}


def forget() -> None:
    """Drop the tables between programs."""
    _SORTED.clear()
    _ROWS.clear()
    _SIDES.clear()
    _FACTS.clear()
    _CASES.clear()
    _LEAST.clear()
    elimination.forget()


def _rows_of(c: Term) -> tuple[Row, ...]:
    """A comparison of whole numbers as sums that are not negative; none for ``!=``."""
    found = _ROWS.get(c)
    if found is None:
        if c.data == "!=":
            found = ()
        elif c.data == "==":
            found = _not_negative(c, False, 0), _not_negative(c, True, 0)
        else:
            found = (_not_negative(c, c.data in (">", ">="), 1 if c.data in ("<", ">") else 0),)
        _ROWS[c] = found
    return found


def _not_negative(c: Term, turned: bool, less: int) -> Row:
    """The right side of a comparison minus its left side, or the other way round, and so much less."""
    small, large = c.args[::-1] if turned else c.args
    found, a = T.linear(large)
    taken, b = T.linear(small)
    for atom, k in taken.items():
        found[atom] = found.get(atom, 0) - k
    return row(found, a - b - less)


def _facts_of(number: int) -> tuple[Row, ...]:
    """What is known of an atom by its operation."""
    found = _FACTS.get(number)
    if found is None:
        found = _FACTS[number] = tuple(row(*T.linear(fact)) for fact in atom_facts(elimination.atom(number)))
    return found


def _extremes(system: System) -> list[Term]:
    """min(a, b) is one of a and b, ``x if c else y`` one of x and y: the cases of those that the rows speak of."""
    out: list[Term] = []
    for number in system.group_of:
        if number not in _CASES:
            _CASES[number] = _cases(elimination.atom(number))
        found = _CASES[number]
        if found is not None:
            out.append(found)
    return out


def _cases(a: Term) -> Term | None:
    if a.op == "func" and a.kind == "int" and a.data in ("min", "max"):
        op = ">=" if a.data == "min" else "<="
        return T.mk("or", None, tuple(T.mk("cmp", op, (a, x), "bool") for x in a.args), "bool")
    if a.op == "ite" and a.kind == "int":
        c, then, other = a.args
        first, second = (T.mk("cmp", "==", (a, x), "bool") for x in (then, other))
        cases = (T.mk("and", None, (first, c), "bool"), T.mk("and", None, (second, T.not_(c)), "bool"))
        return T.mk("or", None, cases, "bool")
    return None


def _separate(system: System, different: Sequence[Term]) -> System:
    """x != 0 sharpens x >= 0 to x >= 1, and x <= 0 to x <= -1."""
    for c in different[:8]:
        rows = _SIDES.get(c)
        if rows is None:
            atoms, k = T.linear(T.sub(*c.args))
            rows = _SIDES[c] = row(atoms, k - 1), row({a: -x for a, x in atoms.items()}, -k - 1)
        (named, _), _ = rows
        if not any(a in system.group_of for a, _ in named):
            continue
        above = system.extended(rows[:1], _facts_of)
        below = system.extended(rows[1:], _facts_of)
        if below.contradictory:
            system = above
        elif above.contradictory:
            system = below
    return system


def atom_facts(t: Term) -> list[Term]:
    """Int terms that are never negative because of what t is."""
    match t.op:
        case "n":
            return [T.sub(t, T.ONE)]
        case "windex":
            return [t, T.sub(T.sub(WORD_COUNT, T.ONE), t)]
        case "agg" if t.data == "count":
            if t.args[0] is not T.NONE:
                return [t]
            most = T.sub(T.N, T.ONE) if t.args[2] is T.ONE else T.N  # it counts positions of the text
            return [t, T.sub(most, t)]
        case "agg" if t.data in ("first", "last", "nth", "argmax", "argmin"):
            low, high = t.args[2], t.args[3]
            inside = [T.sub(t, low), T.sub(T.sub(high, T.ONE), t)] if low.kind == high.kind == "int" else []
            return inside + _found_facts(t)
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
        case "ite" if t.kind == "int":
            least = _least(t)
            return [] if least is None else [T.sub(t, T.const(least))]
    return []


def _found_facts(t: Term) -> list[Term]:
    """The position that is found satisfies what was searched for: of that, how it compares with other numbers."""
    var, where = t.args[1], t.args[4]
    out: list[Term] = []
    for c in T.parts(where):
        if c.op != "cmp" or c.data not in ("<", "<=") or c.args[0] is not var or c.args[1].kind != "int":
            continue
        if var.data not in c.args[1].free and c.args[1].total:
            out.append(T.sub(T.sub(c.args[1], T.ONE) if c.data == "<" else c.args[1], t))
    return out


def _least(t: Term) -> int | None:
    """A constant that the whole number is never below, where its form says one."""
    if t not in _LEAST:  # choices share their parts: without a table each level doubles the work
        _LEAST[t] = _found_least(t)
    return _LEAST[t]


def _found_least(t: Term) -> int | None:
    if T.is_const(t):
        return int(t.data)
    if t.op == "ite":
        sides = [_least(x) for x in t.args[1:]]
        return None if None in sides else min(x for x in sides if x is not None)
    if t.op == "agg" and t.data in ("first", "last", "nth", "argmax", "argmin"):
        return _least(t.args[2])
    return 0 if t.op in ("n", "windex") or (t.op == "agg" and t.data == "count") else None


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
