"""The grammar as text: one file for the parser, the prompt, constrained decoding and the tests."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

ACTIONS = ("set", "add", "scale", "raise", "cap", "share")


@cache
def grammar_text() -> str:
    """The Lark grammar of the attention-pattern language."""
    return (resources.files(__name__) / "attention.lark").read_text(encoding="utf-8")


def llguidance_grammar() -> str:
    """The grammar for constrained decoding with llguidance, as its JSON; every text it lets through parses.

    ``llguidance`` reads our Lark file as it is, so there is no second grammar to keep. Needs the ``llm`` extra.
    """
    from llguidance import LLMatcher

    found: str = LLMatcher.grammar_from_lark(grammar_text())
    return found


def json_schema() -> dict[str, Any]:
    """A flat JSON schema of one program, for providers that constrain answers by a schema only.

    Expressions are texts of the language; ``dsl.from_json.program_text`` puts the parts together and the parser has the
    last word. All properties are required and none is added, as strict schemas ask.
    """
    text = {"type": "string"}
    let = _object({"definition": {**text, "description": "Name = expression, or Name(t) = expression"}})
    rule = _object(
        {
            "action": {"type": "string", "enum": list(ACTIONS)},
            "value": {**text, "description": "an expression: the weight, factor, bound or mass"},
            "target": {**text, "description": "a position, or: each k [from|after x] [upto|before x] [where P]"},
            "by": {**text, "description": "weights of share, or empty"},
            "when": {**text, "description": "a condition on q, or empty"},
        }
    )
    return _object(
        {
            "name": text,
            "direction": {"type": "string", "enum": ["causal", "bidirectional"]},
            "claim": {**text, "description": "one sentence: what the head does"},
            "lets": {"type": "array", "items": let},
            "rules": {"type": "array", "items": rule},
            "end": {"type": "string", "enum": ["normalize rows", "softmax rows", ""]},
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
