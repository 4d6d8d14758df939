"""Programs in place of heads: patterns put in at the attention-weight level, for a while.

In a layer with replaced heads the model's own attention function runs first, so every other head comes out
bit for bit as before; then the outputs of the replaced heads are overwritten by ``pattern @ V``. A layer with all
heads replaced does not run its own attention at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from attndsl.dsl.diagnostics import fail
from attndsl.models.heads import Head, check_head, format_head
from attndsl.models.interface import dispatch_through, implementation_of
from attndsl.models.layout import AttentionLayout, find_layout
from attndsl.models.linear import without_projections
from attndsl.models.pattern_checks import as_tensor, check_shape, sum_tolerance
from attndsl.models.placement import OutsideWindow
from attndsl.models.repair import Repair
from attndsl.models.replacement import Provider, Replacement
from attndsl.models.sequences import SequenceTracker
from attndsl.runtime.surrogates import Flex, surrogates_of

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

# Models inside a replacement: a nested one cannot find the layout by running a model that is already changed.
_layouts: WeakKeyDictionary[PreTrainedModel, AttentionLayout] = WeakKeyDictionary()


@runtime_checkable
class HeadProgram(Protocol):
    """What stands in for one head: float32 [n, n] from the n token ids of one text."""

    def pattern_of_ids(self, ids: Sequence[int], tokenizer: Any) -> Any: ...


@contextmanager
def replace_heads(
    model: PreTrainedModel,
    tokenizer: Any,
    programs: Mapping[Head, HeadProgram | Callable[[Sequence[int], Any], Any]],
    *,
    outside_window: OutsideWindow = "error",
    layout: AttentionLayout | None = None,
    repairs: Mapping[Head, Repair] | None = None,
    flex: Flex | None = None,
) -> Iterator[PreTrainedModel]:
    """Put a program in place of each named head of ``model`` inside the context.

    ``programs`` maps (layer, head) to an object with ``pattern_of_ids(ids, tokenizer)`` or to a plain function
    ``(ids, tokenizer)``, giving float32 [n, n]: rows are queries and sum to 1. ``flex`` ("eager" or "compiled"): passes
    that need no pattern run the programs in FlexAttention. Everything else is as in ``inject``. Raises E0636 (programs
    that FlexAttention cannot run).
    """
    plain = uncompiled(model)
    layout = layout or _layouts.get(plain) or find_layout(plain)
    ours = surrogates_of(list(programs.values()), layout.causal, tokenizer, flex)
    if flex is not None and ours is None:
        raise fail(
            "E0636", "a function of token ids cannot be said as a score modification",
            help="leave flex out, or give programs that attndsl has compiled",
        )  # fmt: skip
    if ours is not None:
        with inject(model, list(programs), ours, outside_window=outside_window, layout=layout, repairs=repairs):
            yield model
        return
    calls: list[Any] = [getattr(program, "pattern_of_ids", program) for program in programs.values()]

    def provider(ids: Sequence[int]) -> torch.Tensor:
        import torch

        n = len(ids)
        patterns = [as_tensor(call(ids, tokenizer)) for call in calls]
        for head, pattern in zip(programs, patterns, strict=True):
            check_shape(pattern, (n, n), format_head(*head))
        return torch.stack(patterns) if patterns else torch.zeros((0, n, n))

    with inject(model, list(programs), provider, outside_window=outside_window, layout=layout, repairs=repairs):
        yield model


@contextmanager
def inject(
    model: PreTrainedModel,
    heads: Sequence[Head],
    provider: Provider,
    *,
    outside_window: OutsideWindow = "error",
    layout: AttentionLayout | None = None,
    repairs: Mapping[Head, Repair] | None = None,
) -> Iterator[PreTrainedModel]:
    """Give ``heads`` of ``model`` the patterns of ``provider`` inside the context; afterwards it is as before.

    Works for whole texts, padded batches (left or right, with their attention mask) and ``generate`` with a cache.
    A sliding-window layer hides old keys: weight on them is E0635, or with ``outside_window="renormalize"`` it is
    dropped and the row divided by what remains. ``layout`` saves finding the layers again. ``repairs``: what is done
    to the output of some of the heads (``models/repair_fit.py``); without it, nothing.

    Raises E0610 (attention that cannot be replaced), E0612 (no such head), and inside the context, from the call of
    the model: E0630, E0631, E0634 (calls whose tokens are not known), E0632, E0633, E0635 (patterns that do not fit).
    """
    from torch.compiler import disable

    given, model = model, uncompiled(model)
    layout = layout or _layouts.get(model) or find_layout(model)
    if len(set(heads)) != len(heads):
        raise fail("E0612", "a head is named twice in one replacement", help="name each head once")
    for head in heads:
        check_head(head, layout.heads_per_layer)
    replacement = Replacement(layout, list(heads), provider, implementation_of(model), outside_window)
    replacement.repairs = _of_heads(repairs or {}, heads)
    replacement.tolerance = sum_tolerance(model.dtype)
    tracker = SequenceTracker(replacement.begin, replacement.end)
    outermost = model not in _layouts
    _layouts[model] = layout
    attend = disable(replacement.attend)  # type: ignore[no-untyped-call]
    try:
        with (
            dispatch_through(model, attend, replacement.original),
            tracker.following(model),
            without_projections(replacement.whole_modules(model), replacement.keeps_keys),
        ):
            yield given
    finally:
        if outermost:
            _layouts.pop(model, None)


def uncompiled(model: Any) -> Any:
    """The model itself, of one that ``torch.compile`` has wrapped."""
    return getattr(model, "_orig_mod", model)


def _of_heads(repairs: Mapping[Head, Repair], heads: Sequence[Head]) -> Mapping[Head, Repair]:
    """Raises E0612 for a repair of a head that is not replaced: it would do nothing."""
    for head in repairs:
        if head not in heads:
            raise fail(
                "E0612",
                f"a repair was given for {format_head(*head)}, which is not replaced",
                help="replace it as well",
            )
    return repairs
