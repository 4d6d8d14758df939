"""Which terms get a name, and which: the author's where there is a good one, else what a reader would call it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from attndsl.dsl.builtins import is_punctuation
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import Draft
from attndsl.dsl.pyimport.lift.hints import SET_HINT
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.to_nodes import Names, normalized, word_of

_MIN_SIZE, _MIN_HINTED = 6, 4
_MAX_COMPARED = 2_000


Form = Callable[[Term], Term]


def roots(d: Draft) -> list[Term]:
    """All terms of a rule."""
    return [d.value, *d.when, *d.where, *(x for x in (d.target, d.low, d.high) if x is not None)]


def definitions(hints: Mapping[Term, str], drafts: Sequence[Draft], names: Names) -> dict[Term, str]:
    """Terms of one variable that are said more than once get a name, the author's where there is one."""
    parents: dict[Term, set[object]] = {}
    forms: dict[Term, Term] = {}

    def form(t: Term) -> Term:
        known = forms.get(t)
        if known is None:
            found = normalized(t) if len(t.free) == 1 else None
            known = forms[t] = found[0] if found is not None else t
        return known

    for number, d in enumerate(drafts):
        stack: list[tuple[Term, object]] = [(form(t), (number, i)) for i, t in enumerate(roots(d))]
        while stack:
            t, parent = stack.pop()
            above = parents.get(t)
            if above is None:
                parents[t] = {parent}
                stack += [(form(a), t) for a in t.args if a.size >= _MIN_HINTED]
            else:
                above.add(parent)
    given = {form(t): name for t, name in hints.items()}
    chosen = {t for t in parents if _worth(t, len(parents[t]) > 1, t in given)}
    chosen |= {base for t in chosen if (base := form(_base(t))).op == "agg" and _worth(base, True, False)}
    chosen = {t for t in chosen if not _plain(t, lambda a: form(a) in chosen)}
    return _name_all(chosen, given, names, form)


def _worth(t: Term, often: bool, hinted: bool) -> bool:
    if len(t.free) > 1 or t.op in ("var", "const", "n", "words", "linear", "not") or t.kind in ("words", "none"):
        return False
    if t.marks & T.READS or word_of(t) is not None:
        return False
    return often and t.size >= (_MIN_HINTED if hinted else _MIN_SIZE) and (bool(t.free) or t.size >= 8)


def _base(t: Term) -> Term:
    """What a feature of a feature is asked of."""
    while t.op in ("feature", "windex"):
        t = t.args[0]
    return t


def _plain(t: Term, is_named: Callable[[Term], bool]) -> bool:
    """Said as briefly without a name: ``Word(k).pos == "VERB"``, ``Word(k) is some``."""
    match t.op:
        case "some" | "absent" | "feature" | "windex":
            return _brief(t.args[0], is_named)
        case "cmp":
            return any(T.is_const(x) for x in t.args) and all(T.is_const(x) or _brief(x, is_named) for x in t.args)
        case "member":
            return len(t.args) <= 4 and _brief(t.args[0], is_named)
    return False


def _brief(t: Term, is_named: Callable[[Term], bool]) -> bool:
    while t.op in ("feature", "windex") and not is_named(t):
        t = t.args[0]
    return bool(is_named(t)) or t.op == "var" or word_of(t) is not None


# ---------------------------------------------------------------- names


def _name_all(chosen: set[Term], hints: Mapping[Term, str], names: Names, form: Form) -> dict[Term, str]:
    taken = {"W", "Error", "Error2", *names.matrices.values(), *names.copies.values()}
    out: dict[Term, str] = {}
    numbers: dict[str, int] = {}
    for t in _by_size(chosen):
        base = _base_name(t, hints.get(t, ""), out, form)
        number = numbers.get(base, 1)
        name = base if number == 1 else f"{base}{number}"
        while name in taken:
            number += 1
            name = f"{base}{number}"
        numbers[base] = number
        taken.add(name)
        out[t] = name
    return out


def _by_size(terms: Iterable[Term]) -> list[Term]:
    """Smaller ones first; of equal size by what they say, where that is short enough to be written out."""
    groups: dict[int, list[Term]] = {}
    for t in terms:
        groups.setdefault(t.size, []).append(t)
    out: list[Term] = []
    for size in sorted(groups):
        group = groups[size]
        if group[1:]:
            # What fails at another place of the file is another term with the same text: the older one comes first.
            group.sort(key=lambda t: (str(t) if size < _MAX_COMPARED else "", t.serial))
        out.extend(group)
    return out


_ROLE_WORDS = frozenset(
    ["current", "curr", "cur", "target", "tgt", "other", "this", "query", "key", "src", "source", "cand", "candidate"]
)
_LOOP_LETTERS = frozenset(["i", "j", "k", "q", "t", "tok", "idx", "index"])


def _base_name(t: Term, hint: str, named: Mapping[Term, str], form: Form) -> str:
    if t.op == "agg" and t.kind == "word" and t.data == "first" and t.args[0].kind in ("words", "none"):
        return "Word"
    if hint.startswith(SET_HINT):
        return _is(_camel(hint.removeprefix(SET_HINT)))
    own = _camel(hint)
    if own and not (t.kind == "word" and re.search(r"Tok|Spacy|Word", own)):
        return own
    return _described(t, named, form)


def _camel(name: str) -> str:
    """A Python name without what says which loop it is in: the parameter says that."""
    words = [p for p in re.split(r"[_\W]+", name) if p]
    while len(words) > 1 and words[0].lower() in _ROLE_WORDS | _LOOP_LETTERS:
        words.pop(0)
    while words and words[-1].lower() in _LOOP_LETTERS:
        words.pop()
    out = re.sub(
        r"[^A-Za-z0-9]",
        "",
        "".join(p[0].upper() + p[1:].lower() if p.isupper() else p[0].upper() + p[1:] for p in words),
    )
    return out if out and out[0].isalpha() else "Value" + out if out else ""


def _is(name: str) -> str:
    return name if name.startswith(("Is", "Has")) else "Is" + (name or "Member")


def _described(t: Term, named: Mapping[Term, str], form: Form) -> str:
    """What a reader would call it, from what it is."""
    match t.op:
        case "member":
            return _set_name(t)
        case "agg" if t.data in ("sum", "count"):
            inner = named.get(form(t.args[5] if t.data == "sum" else t.args[4]), "")
            place = "Before" if t.args[3].free else ""
            return (inner if t.data == "sum" and inner else "Count" + inner) + place
        case "agg" if t.data in ("first", "last") and t.kind == "int":
            return str(t.data).title() + (_tested(t.args[4]) or "Match")
        case "method" if t.kind == "str":
            return "Lower" if any(x.op == "method" and x.data == "lower" for x in T.walk(t)) else "Clean"
        case "feature" | "windex":
            return (t.data or "index").title().replace("_", "")
        case "ite" if t.kind == "word":
            return "SomeWord"
        case "ite":
            return _described(t.args[1], named, form)
        case "some" if t.args[0].op == "agg" and t.args[0].kind == "int":
            return "Any" + (_tested(t.args[0].args[4]) or "Match")
        case "some":
            return "HasWord"
        case "cmp" if _tested(t):
            return "Is" + _tested(t)
    return {"bool": "Condition", "str": "Text", "word": "Related", "int": "Number"}.get(t.kind, "Value")


_SIGNS = {
    ".": "FullStop", ",": "Comma", "!": "ExclamationMark", "?": "QuestionMark", "'": "Apostrophe", '"': "Quote",
    ":": "Colon", ";": "Semicolon", "-": "Dash", "(": "OpenBracket", ")": "CloseBracket",
}  # fmt: skip


def _tested(t: Term) -> str:
    """Cls for ``x.raw == "[CLS]"``, SentenceEnd for ``x.raw in {".", "!"}``; "" for other conditions."""
    if t.op == "member":
        return _set_name(t).removeprefix("Is")
    if t.op != "cmp" or t.data != "==" or not T.is_const(t.args[1]) or t.args[1].kind != "str":
        return ""
    bare = t.args[1].data.strip("Ġ▁Ċ ")
    return _SIGNS.get(bare) or re.sub(r"[^A-Za-z0-9]", "", bare).title()


_CLASSES = {
    "IsArticle": "a an the",
    "IsPronoun": "i you he she it we they me him her us them his hers its their theirs my your our mine yours ours",
    "IsConjunction": "and or but nor so yet",
    "IsPreposition": "in on at of to for from by with about into over after before under between through",
    "IsAuxiliary": "is are was were be been being am has have had do does did will would can could may might shall "
    "should must",
    "IsQuestionWord": "who what when where why how which whom whose",
    "IsNegation": "not no never none n't nothing",
    "IsRelativizer": "that which who whom whose",
}  # fmt: skip
_POS_CLASSES = {
    "IsNoun": "NOUN PROPN", "IsNominal": "NOUN PROPN PRON", "IsVerb": "VERB AUX",
    "IsContent": "NOUN PROPN VERB ADJ ADV NUM", "IsFunction": "DET ADP AUX CCONJ SCONJ PART PRON CONJ",
}  # fmt: skip


def _set_name(t: Term) -> str:
    """``{"a", "an", "the"}`` is IsArticle, ``{".", "!"}`` IsSentenceEnd, ``{"NOUN", "VERB"}`` IsNounOrVerb."""
    item, *constants = t.args
    values = [c.data for c in constants]
    if not all(isinstance(v, str) for v in values):
        return "IsOneOf"
    bare = {v.strip("Ġ▁Ċ ").removeprefix("##").lower() for v in values} - {""}
    table = _POS_CLASSES if item.op == "feature" and item.data in ("pos", "dep", "tag") else _CLASSES
    if table is _CLASSES and bare and all(map(is_punctuation, bare)):
        return "IsSentenceEnd" if all(set(v) <= set(".!?") for v in bare) else "IsPunct"
    wanted = {v.lower() for v in values} if table is _POS_CLASSES else bare
    for name, members in table.items():
        if wanted and wanted <= set(members.lower().split()):
            return name
    words = [re.sub(r"[^A-Za-z0-9]", "", v).title() for v in values]
    words = [w for w in dict.fromkeys(words) if w]
    if not words:
        return "IsOneOf"
    return "Is" + ("Or".join(words) if len(words) <= 3 else words[0] + "Etc")
