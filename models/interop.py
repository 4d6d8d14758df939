"""Programs for other libraries: a function from token ids to patterns, [batch, head, query, key].

TransformerLens users put its result in ``blocks.L.attn.hook_pattern``, nnsight users where their model's attention
weights are; inside transformers models ``replace_heads`` does that and more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.models.inject import HeadProgram
from attndsl.models.pattern_checks import as_tensor, check_shape, check_values
from attndsl.models.placement import compact, place
from attndsl.models.sequences import Sequences
from attndsl.runtime.program import Program
from attndsl.runtime.surrogates import Surrogates, surrogates_of

if TYPE_CHECKING:
    import torch


def pattern_function(
    programs: Sequence[HeadProgram | Callable[[Sequence[int], Any], Any]], tokenizer: Any, *, causal: bool = True
) -> Callable[..., torch.Tensor]:
    """``f(ids, mask=None)``: the patterns of ``programs`` on ``ids`` int [batch, tokens] (or [tokens], a batch of one).

    ``mask`` [batch, tokens] is false where padding, whose rows and columns are zeros. The result is float32
    [batch, program, query, key] on the device of ``ids``; rows of tokens sum to 1. Raises, when called, E0634 (ids or
    mask of another shape), E0632, E0633 (what is no pattern), and what the programs raise.
    """
    ours = surrogates_of(list(programs), causal, tokenizer)
    names = [str(getattr(program, "name", f"program {place}")) for place, program in enumerate(programs)]
    calls: list[Any] = [getattr(program, "pattern_of_ids", program) for program in programs]

    def of_text(ids: tuple[int, ...], _: int) -> torch.Tensor:
        import torch

        if ours is not None:
            found = as_tensor(ours(ids))
        else:
            found = torch.stack([as_tensor(call(ids, tokenizer)) for call in calls])
        check_shape(found, (len(calls), len(ids), len(ids)), "all programs")
        check_values(found, names, causal=causal)
        return found

    def patterns(ids: Any, mask: Any = None) -> torch.Tensor:
        import torch

        sequences = _sequences(ids, mask)
        texts = [compact(sequences, row) for row in range(sequences.ids.shape[0])]
        found = {text: of_text(*text) for text in dict.fromkeys(texts)}
        placed = [place(found[text], sequences, row, sequences.total)[0] for row, text in enumerate(texts)]
        return torch.stack(placed).to(sequences.ids.device)

    return patterns


def score_mod(program: Program, ids: Sequence[int], tokenizer: Any, *, causal: bool = True, device: str = "cpu") -> Any:
    """A program on one text as the ``score_mod`` of ``torch.nn.attention.flex_attention``: with queries or keys of
    zeros, the attention is the program's pattern. Values of the columns that it captures are those of this text.

    Raises E0636 where the program, or this text, has no linear form.
    """
    (found,) = Surrogates([program], causal, tokenizer, flex="eager").forms(list(ids), device)
    if found is None:
        raise fail(
            "E0636", f"the program {program.name!r} cannot be said as a score modification on this text",
            help="a weight is negative there, or a check of the program fails: take pattern_function",
        )  # fmt: skip
    return found.score_mod()


def _sequences(ids: Any, mask: Any) -> Sequences:
    import torch

    ids = torch.as_tensor(ids)
    ids = ids[None] if ids.ndim == 1 else ids
    mask = None if mask is None else torch.as_tensor(mask, device=ids.device).bool().reshape(-1, ids.shape[-1])
    if ids.ndim != 2 or (mask is not None and mask.shape != ids.shape):
        shapes = f"{list(ids.shape)}" + ("" if mask is None else f" and {list(mask.shape)}")
        raise fail("E0634", f"ids and mask have shapes {shapes}", help="give both as [batch, tokens]")
    return Sequences(ids, None if mask is None or bool(mask.all()) else mask, ids.shape[1], cached=False)
