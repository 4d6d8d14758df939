"""A text that breaks a program, made as short and as plain as possible while it still does.

Words are taken out in runs, then one by one (delta debugging: Zeller and Hildebrandt, IEEE Trans. Softw. Eng. 28,
2002), then exchanged for plainer ones. At the end no single word can be left out: the text is 1-minimal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attndsl.runtime.falsify.judge import Judge, Trial
from attndsl.runtime.falsify.texts import Changed, Pieces

Breaks = Callable[[Trial], bool]


@dataclass
class Shrunk:
    """The text so far; ``finished`` when nothing more can be taken out, ``breaking`` all that broke on the way."""

    trial: Trial
    finished: bool
    breaking: list[Trial]


def shrink(judge: Judge, trial: Trial, threshold: float, simple: Sequence[str], texts: int = 1500) -> Shrunk:
    """The shortest text found that is still below the threshold; at most about ``texts`` further texts are tried.

    ``simple`` are the plainest words, plainest first. Ctrl-C ends it with what there is.
    """
    state = Shrunk(trial, False, [])
    last = judge.tried + texts
    try:
        while judge.tried < last:
            before = state.trial.pieces
            _shorten(judge, state, threshold, last)
            _simplify(judge, state, threshold, simple, last)
            if state.trial.pieces == before:
                state.finished = True
                break
    except KeyboardInterrupt:
        pass
    return state


def _shorten(judge: Judge, state: Shrunk, threshold: float, last: int) -> None:
    """Take out runs of half the words, a quarter, ..., one; after a success the same length again."""
    length = max(1, len(state.trial.pieces) // 2)
    while judge.tried < last:
        pieces = state.trial.pieces
        step = max(1, length // 2)
        shorter = [pieces[:at] + pieces[at + length :] for at in range(0, len(pieces), step)]
        if _best(judge, state, threshold, [text for text in shorter if text]):
            length = min(length, max(1, len(state.trial.pieces) // 2))
        elif length == 1:
            return
        else:
            length //= 2


def _simplify(judge: Judge, state: Shrunk, threshold: float, simple: Sequence[str], last: int) -> None:
    """Exchange words for plainer ones, from the left; every exchange makes the text plainer, so this ends."""
    for at in range(len(state.trial.pieces)):
        if judge.tried >= last:
            return
        pieces = state.trial.pieces
        plainer = [(*pieces[:at], word, *pieces[at + 1 :]) for word in _plainer(pieces[at], simple)]
        judge(plainer)  # all in one batch; the plainest that breaks is taken, not the one that breaks most
        for text in plainer:
            if _best(judge, state, threshold, [text]):
                break


def _plainer(piece: str, simple: Sequence[str]) -> list[str]:
    """Words that are plainer than this one, plainest first: the simple words before it, one space, lower case. A piece
    that changes stays as it is, or either of its two texts becomes plainer."""
    if isinstance(piece, Changed):
        old, new = str(piece), piece.new
        befores = [Changed(word, new) for word in _plainer(old, simple) if word != new]
        return [old, *befores, *(Changed(old, word) for word in _plainer(new, simple) if word != old)]
    known = list(simple)
    if piece in known:
        return known[: known.index(piece)]
    if not any(c.isalnum() for c in piece):
        spaces = piece[: len(piece) - len(piece.lstrip())]
        return [" " + piece.lstrip()] if len(spaces) > 1 or spaces == "\n" else []
    lower = " " + piece.strip().lower()
    return [*known[:3], *([lower] if lower != piece else [])]


def _best(judge: Judge, state: Shrunk, threshold: float, texts: Sequence[Pieces]) -> bool:
    """Go on with the lowest IoU of those that break; False when none does."""
    breaking = [trial for trial in judge(texts) if trial.iou < threshold]
    if not breaking:
        return False
    state.breaking += breaking
    state.trial = min(breaking, key=lambda trial: (len(trial.pieces), trial.iou))
    return True
