"""Tokens of a text without asking the service: an estimate that errs on the high side.

The newest Claude tokenizers make about one token of 2.5 to 3.5 bytes of English or code. Two bytes a token is an upper
figure for what this project sends; it is used for budgets of a summary and where the service cannot be asked. Before a
request is sent, the service itself counts (``messages.count_tokens``), and ``MARGIN`` is added to what it says, because
it calls its own figure an estimate.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

BYTES_PER_TOKEN = 2
MARGIN = 0.05
EXTRA = 16
"""Tokens that the service may add to any prompt, whatever its length."""


def estimate(text: str) -> int:
    """At most about this many tokens.

    >>> estimate("the cat")
    4
    """
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


def estimate_prompt(params: Mapping[str, Any]) -> int:
    """The same for everything that a request sends."""
    sent = {name: params[name] for name in ("system", "messages") if name in params}
    return estimate(json.dumps(sent, ensure_ascii=False))


def with_margin(counted: int) -> int:
    """A count of the service as the upper figure that money is held back for."""
    return math.ceil(counted * (1 + MARGIN)) + EXTRA
