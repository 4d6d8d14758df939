"""``re.match``, ``re.search`` and ``re.fullmatch`` of a constant pattern, and ``re.sub`` of single characters."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.evaluate import condition, evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.regexes import Alternative, Class, Run, Unknown, alternatives, of_mode
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.uses import placed
from attndsl.dsl.pyimport.lift.values import Choice, NoneValue, Opaque, Scalar, Value

MODES = ("match", "search", "fullmatch")
_TEXT = "text that a pattern is asked of"
_FEW = 8  # characters that are replaced one after the other


def call(m: Machine, function: str, node: ast.Call) -> Value:
    """A function of the module ``re``."""
    given = [evaluate(m, a) for a in node.args]
    if node.keywords or not given:
        raise m.stop(f"re.{function} with these arguments", node, "E0305")
    pattern = _pattern_of(given[0])
    if pattern is None:
        raise m.stop("a pattern that is not known", node, "E0305")
    if function == "compile" and len(given) == 1:
        return Opaque("pattern", pattern)
    return of_pattern(m, pattern, function, given[1:], node)


def of_pattern(m: Machine, pattern: str, function: str, given: list[Value], node: ast.Call) -> Value:
    """What a pattern's own function gives."""
    if function in MODES and len(given) == 1:
        return spread(m, lambda v: _matched(m, pattern, function, v, node), given[0])
    if function == "sub" and len(given) == 2:
        return spread(m, lambda v: _replaced(m, pattern, given[0], v, node), given[1])
    raise m.stop(f"re.{function} with these arguments", node, "E0305")


def _pattern_of(value: Value) -> str | None:
    if isinstance(value, Opaque) and value.name == "pattern":
        return str(value.data)
    constant = isinstance(value, Scalar) and value.term.kind == "str" and T.is_const(value.term)
    return str(value.term.data) if constant and isinstance(value, Scalar) else None


def _matched(m: Machine, pattern: str, mode: str, text: Value, node: ast.Call) -> Value:
    """A match or None."""
    if not (isinstance(text, Scalar) and text.term.kind == "str"):
        raise m.stop(f"re.{mode} of something else than a text", node, "E0302")
    try:
        questions = [_question(of_mode(mode, a), _name()) for a in alternatives(pattern)]
    except Unknown:
        raise m.stop("a regular expression of this kind", node, "E0305") from None
    found = _asked(m, _any(questions), text, node)
    if found in (T.TRUE, T.FALSE):
        return Opaque("a match") if found is T.TRUE else NoneValue()
    return Choice(found, Opaque("a match"), NoneValue())


def _asked(m: Machine, question: ast.expr, text: Scalar, node: ast.AST) -> Term:
    names = m.state.frames[m.frames[-1].key]
    names[_TEXT] = text
    try:
        return condition(m, placed(question, node))
    finally:
        m.state.frames[m.frames[-1].key].pop(_TEXT, None)


# ---------------------------------------------------------------- questions in Python


def _name() -> ast.expr:
    return ast.Name(_TEXT, ast.Load())


def _method(of: ast.expr, name: str, *args: str) -> ast.expr:
    return ast.Call(ast.Attribute(of, name, ast.Load()), [ast.Constant(a) for a in args], [])


def _compare(a: ast.expr, op: ast.cmpop, b: ast.expr) -> ast.expr:
    return ast.Compare(a, [op], [b])


def _all(parts: list[ast.expr]) -> ast.expr:
    return ast.Constant(True) if not parts else parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)


def _any(parts: list[ast.expr]) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.Or(), parts)


def _not(x: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), x)


def _slice(of: ast.expr, low: int | None, high: int | None) -> ast.expr:
    if low in (None, 0) and high is None:
        return of
    ends = [None if at is None else ast.Constant(at) for at in (low or None, high)]
    return ast.Subscript(of, ast.Slice(ends[0], ends[1], None), ast.Load())


def _question(a: Alternative, text: ast.expr) -> ast.expr:
    """Whether the text has such a part."""
    if a.line:
        whole = Alternative(a.runs, a.begins, True)
        shorter = _question(whole, _slice(text, None, -1))
        return _any([_question(whole, text), _all([_method(text, "endswith", "\n"), shorter])])
    literal = "".join(s for r in a.runs if (s := _literal(r)) is not None)
    if all(_literal(r) is not None for r in a.runs):
        return _of_literal(a, literal, text)
    if a.begins and a.ends:
        return _whole(a.runs, text)
    if a.begins:
        return _beginning(a.runs, text)
    if a.ends:
        return _ending(a.runs, text)
    return _anywhere(a.runs, text)


def _literal(r: Run) -> str | None:
    return r.of.single * r.low if r.of.single is not None and r.low == r.high else None


def _of_literal(a: Alternative, literal: str, text: ast.expr) -> ast.expr:
    if a.begins and a.ends:
        return _compare(text, ast.Eq(), ast.Constant(literal))
    if a.begins or a.ends:
        return _method(text, "startswith" if a.begins else "endswith", literal)
    return _compare(ast.Constant(literal), ast.In(), text)


def _whole(runs: tuple[Run, ...], text: ast.expr) -> ast.expr:
    """Characters at the beginning and the end, and at most one run of other length between them; or two such runs."""
    parted = _parted(runs, text)
    if parted is not None:
        return parted
    first = next((k for k, r in enumerate(runs) if r.low != r.high), len(runs))
    rest = runs[first + 1 :]
    if any(r.low != r.high for r in rest):
        raise Unknown
    front, back = sum(r.low for r in runs[:first]), sum(r.low for r in rest)
    middle = runs[first] if first < len(runs) else Run(Class(), 0, 0)
    length = ast.Call(ast.Name("len", ast.Load()), [text], [])
    low = ast.Constant(front + middle.low + back)
    if middle.high is not None:
        high = ast.Constant(front + middle.high + back)
        size = _compare(length, ast.Eq(), low) if low.value == high.value else ast.Compare(
            low, [ast.LtE(), ast.LtE()], [length, high]
        )  # fmt: skip
    else:
        size = _compare(length, ast.GtE(), low)
    parts = [] if low.value == 0 and middle.high is None else [size]
    parts += _each(runs[:first], text, 0) + _each(rest, text, -back)
    if first < len(runs):
        parts.append(_only(middle.of, _slice(text, front, -back or None)))
    return _all(parts)


def _parted(runs: tuple[Run, ...], text: ast.expr) -> ast.expr | None:
    """Two runs of one class with one of a few other characters between them: that is there once, and not at an end."""
    if len(runs) != 3 or runs[0] != runs[2] or (runs[0].low, runs[0].high) != (1, None):
        return None
    of, by = runs[0].of, runs[1].of
    known: dict[str, Callable[[str], bool]] = {
        "d": str.isdecimal, "s": str.isspace, "w": lambda c: c.isalnum() or c == "_",
    }  # fmt: skip
    if of.negated or by.negated or by.categories or (runs[1].low, runs[1].high) != (1, 1) or len(by.characters) > _FEW:
        return None
    if by.characters & of.characters or any(known[k](c) for k in of.categories for c in by.characters):
        return None
    return _any(
        [
            _all(
                [
                    _compare(_method(text, "count", c), ast.Eq(), ast.Constant(1)),
                    _not(_method(text, "startswith", c)),
                    _not(_method(text, "endswith", c)),
                    _only(of, _method(text, "replace", c, "")),
                ]
            )
            for c in sorted(by.characters)
        ]
    )


def _each(runs: tuple[Run, ...], text: ast.expr, at: int) -> list[ast.expr]:
    """The characters from that place on."""
    found = []
    for r in runs:
        for _ in range(r.low):
            found.append(_is(r.of, ast.Subscript(text, ast.Constant(at), ast.Load())))
            at += 1
    return found


def _enough(text: ast.expr, size: int) -> ast.expr:
    return _compare(ast.Call(ast.Name("len", ast.Load()), [text], []), ast.GtE(), ast.Constant(size))


def _beginning(runs: tuple[Run, ...], text: ast.expr) -> ast.expr:
    """What follows the last character that has to be there may be anything."""
    if any(r.low != r.high for r in runs[:-1]):
        raise Unknown
    size = sum(r.low for r in runs)
    return _all([_enough(text, size), *_each(runs, text, 0)]) if size else ast.Constant(True)


def _ending(runs: tuple[Run, ...], text: ast.expr) -> ast.expr:
    if any(r.low != r.high for r in runs[1:]):
        raise Unknown
    size = sum(r.low for r in runs)
    return _all([_enough(text, size), *_each(runs, text, -size)]) if size else ast.Constant(True)


def _anywhere(runs: tuple[Run, ...], text: ast.expr) -> ast.expr:
    """One character of a class somewhere in the text."""
    needed = [r for r in runs if r.low > 0]
    if not needed:
        return ast.Constant(True)
    if len(needed) != 1 or needed[0].low != 1 or len(runs) != 1:
        raise Unknown
    letter = "letter that a pattern is asked of"
    walk = ast.comprehension(ast.Name(letter, ast.Store()), text, [], 0)
    test = ast.GeneratorExp(_is(needed[0].of, ast.Name(letter, ast.Load())), [walk])
    return ast.Call(ast.Name("any", ast.Load()), [test], [])


def _is(of: Class, letter: ast.expr) -> ast.expr:
    """Whether one character is of the class."""
    kinds = {"d": [_method(letter, "isdecimal")], "s": [_method(letter, "isspace")]}
    kinds["w"] = [_method(letter, "isalnum"), _compare(letter, ast.Eq(), ast.Constant("_"))]
    parts = [x for k in sorted(of.categories) for x in kinds[k]]
    if of.characters:
        parts.append(_compare(letter, ast.In(), ast.Constant("".join(sorted(of.characters)))))
    if not parts:
        raise Unknown
    return _not(_any(parts)) if of.negated else _any(parts)


def _only(of: Class, text: ast.expr) -> ast.expr:
    """Whether all characters are of the class; there may be none."""
    if of.negated:
        runs = (Run(Class(of.characters, of.categories)),)
        return _not(_anywhere(runs, text))
    if not of.categories:
        return _compare(_method(text, "strip", "".join(sorted(of.characters))), ast.Eq(), ast.Constant(""))
    if len(of.categories) > 1 or len(of.characters) > _FEW:
        raise Unknown
    (kind,) = of.categories
    others = sorted(of.characters | ({"_"} if kind == "w" else set()))
    one = {"d": "0", "w": "a", "s": " "}[kind]
    for c in others:
        text = _method(text, "replace", c, one)
    empty = _compare(text, ast.Eq(), ast.Constant(""))
    if kind == "s":
        return _any([empty, _method(text, "isspace")])
    return _any([empty, _method(text, "isdecimal" if kind == "d" else "isalnum")])


# ---------------------------------------------------------------- re.sub


def _replaced(m: Machine, pattern: str, by: Value, text: Value, node: ast.Call) -> Value:
    """``re.sub("[Ġ▁]", "", t)``: characters replaced one by one, or taken off at the beginning."""
    new = by.term.data if isinstance(by, Scalar) and by.term.kind == "str" and T.is_const(by.term) else None
    if not (isinstance(text, Scalar) and text.term.kind == "str") or not isinstance(new, str) or "\\" in new:
        raise m.stop("re.sub of these objects", node, "E0305")
    try:
        question = _without(alternatives(pattern), new)
    except Unknown:
        raise m.stop("a regular expression of this kind", node, "E0305") from None
    names = m.state.frames[m.frames[-1].key]
    names[_TEXT] = text
    try:
        return evaluate(m, placed(question, node))
    finally:
        m.state.frames[m.frames[-1].key].pop(_TEXT, None)


def _without(found: list[Alternative], new: str) -> ast.expr:
    begin = _without_beginning(found, new)
    if begin is not None:
        return begin
    literal = [_letters_of(a) for a in found if len(a.runs) > 1 and not a.begins]
    prefixes = [_letters_of(a) for a in found if a.begins]
    single = [a.runs[0] for a in found if len(a.runs) == 1 and not a.begins]
    letters = "".join(sorted({c for run in single for c in run.of.characters}))
    taken = {*letters, *"".join(literal)}
    one = all(run.high == 1 for run in single)
    if any(a.ends for a in found) or any(r.of.negated or r.of.categories or r.low != 1 for r in single):
        raise Unknown
    if len(letters) > _FEW or not (one or new == "") or set(new) & set(letters):
        raise Unknown
    if len(literal) > 1 or set("".join(literal)) & set(letters) or (prefixes and new):
        raise Unknown  # what is taken out first could decide what is found afterwards

    def rest(text: ast.expr) -> ast.expr:
        for part in (*literal, *letters):
            text = _method(text, "replace", part, new)
        return text

    result = rest(_name())
    for prefix in reversed(prefixes):  # only the first that is there is taken off
        if prefix[0] in taken:
            raise Unknown
        result = ast.IfExp(_method(_name(), "startswith", prefix), rest(_slice(_name(), len(prefix), None)), result)
    return result


def _without_beginning(found: list[Alternative], new: str) -> ast.expr | None:
    """Characters of one class, taken off at the beginning."""
    if len(found) != 1 or not found[0].begins or len(found[0].runs) != 1 or found[0].ends:
        return None
    (run,) = found[0].runs
    letters = "".join(sorted(run.of.characters))
    if new or not letters or run.of.negated or run.of.categories or run.low != 1:
        raise Unknown
    if run.high is None and not run.lazy:
        return _method(_name(), "lstrip", letters)
    if run.high != 1:
        raise Unknown
    first = _compare(_slice(_name(), None, 1), ast.In(), ast.Tuple([ast.Constant(c) for c in letters], ast.Load()))
    return ast.IfExp(first, _slice(_name(), 1, None), _name())


def _letters_of(a: Alternative) -> str:
    """The text that an alternative is."""
    if not a.runs or any(run.of.single is None or (run.low, run.high) != (1, 1) for run in a.runs):
        raise Unknown
    return "".join(run.of.single or "" for run in a.runs)
