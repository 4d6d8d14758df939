"""Programs as flat JSON (``grammar.json_schema``) <-> text of the language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attndsl.dsl import nodes as N
from attndsl.dsl.diagnostics import fail
from attndsl.dsl.printer import binder_text, expression, quoted

_FORMS = {
    "set": "set {value} to {target}",
    "add": "add {value} to {target}",
    "share": "share {value} over {target}",
    "scale": "scale {target} by {value}",
    "raise": "raise {target} to at least {value}",
    "cap": "cap {target} at {value}",
}


def program_text(data: Mapping[str, Any]) -> str:
    """The text of a program given as JSON; the parser checks it afterwards.

    Raises DiagnosticError E0701 where the JSON does not follow the schema.
    """
    try:
        lines = [f"head {quoted(data['name'])}" + (" causal" if data["direction"] == "causal" else "")]
        if data["claim"]:
            lines.append(f"claim {quoted(data['claim'])}")
        lines += [f"let {let['definition'].removeprefix('let ')}" for let in data["lets"]]
        for rule in data["rules"]:
            line = _FORMS[rule["action"]].format(value=rule["value"], target=rule["target"])
            line += f" by {rule['by']}" if rule["by"] and rule["action"] == "share" else ""
            lines.append(line + (f" when {rule['when']}" if rule["when"] else ""))
        if data["end"]:
            lines.append(data["end"])
    except (KeyError, TypeError, AttributeError) as error:
        raise fail(
            "E0701", f"the JSON does not follow the schema: {error}", help="see grammar.json_schema()"
        ) from error
    return "\n".join(lines) + "\n"


def to_json(program: N.Program) -> dict[str, Any]:
    """The JSON of a program. Raises DiagnosticError E0701 for what the flat schema has no place for."""
    lets, rules, end = [], [], ""
    for item in program.items:
        match item:
            case N.Let(name=name, params=params, value=value):
                head = f"{name}({', '.join(params)})" if params else name
                lets.append({"definition": f"{head} = {expression(value)}"})
            case N.Rule(matrix="W") if not end:
                rules.append(_rule(item))
            case N.Normalize(matrix="W", empty=None) | N.Softmax(matrix="W", temperature=None) if not end:
                end = "normalize rows" if isinstance(item, N.Normalize) else "softmax rows"
            case N.Claim():
                pass
            case _:
                raise fail("E0701", f"{type(item).__name__.lower()} has no place in the flat JSON form")
    return {
        "name": program.name,
        "direction": program.direction,
        "claim": " ".join(program.claims),
        "lets": lets,
        "rules": rules,
        "end": end,
    }


def _rule(rule: N.Rule) -> dict[str, str]:
    if isinstance(rule.target, N.Each):
        target = "each " + binder_text(rule.target.binder)
    else:
        target = expression(rule.target.position)
    return {
        "action": rule.action,
        "value": expression(rule.value),
        "target": target,
        "by": expression(rule.weight) if rule.weight is not None else "",
        "when": expression(rule.when) if rule.when is not None else "",
    }
