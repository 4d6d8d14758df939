"""A compiled program as users hold it: what became of it, what it reads, and the pattern it predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.cost import cost_of
from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError, fail
from attndsl.dsl.printer import to_text

if TYPE_CHECKING:  # reading and checking programs needs no numbers: numpy and the back ends wait until one is run
    import numpy as np
    from numpy.typing import NDArray

    from attndsl.compiler import IRProgram
    from attndsl.dsl.tokens import TokenTable
    from attndsl.runtime.machine import BytecodeMachine

HostFunction = Callable[[list[str], int, int], float]
BACKENDS = ("auto", "interpreter", "numpy", "numba", "torch", "sandbox")


class Outcome(StrEnum):
    """What became of a program's source."""

    LIFTED = "lifted"
    BOUNDED = "bounded"
    REFUSED = "refused"


@dataclass(frozen=True)
class Program:
    """One program. ``typed`` is set when it was lifted (or written in our language), ``bounded`` when it is kept as a
    bounded loop program; ``source`` is the Python text it came from, if any."""

    name: str
    outcome: Outcome
    diagnostics: tuple[Diagnostic, ...] = ()
    typed: TypedProgram | None = None
    bounded: Any = None
    source: str | None = None
    causal: bool = True
    host: Mapping[str, HostFunction] = field(default_factory=dict)
    description: str = ""
    repaired: bool = False  # its file's aligner asks for the tokens' offsets (``aligner="offsets"``)

    # ------------------------------------------------------------ what it is

    def __repr__(self) -> str:
        """One line: a program holds trees and whole source files, which nobody wants in a console."""
        codes = "".join(f", {diagnostic.code}" for diagnostic in self.diagnostics)
        return f"<Program {self.name!r}: {self.outcome.value}{codes}>"

    def _repr_html_(self) -> str:
        from attndsl.runtime.shown import program_html

        return program_html(self)

    def to_attn(self) -> str:
        """Canonical text in our language. Raises DiagnosticError E0802 for a program that was not lifted."""
        return to_text(self._typed("has no text in the language").program)

    @property
    def source_name(self) -> str:
        """The name of its function in ``source``; ``name`` may have been given anew."""
        if self.typed is not None:
            return self.typed.name
        return self.bounded.program.name if self.bounded is not None else self.name

    @property
    def claim(self) -> str:
        """What the program claims, in words; "" when it claims nothing."""
        if self.typed is not None and self.typed.program.claims:
            return " ".join(self.typed.program.claims)
        return self.description

    @property
    def reads(self) -> tuple[str, ...]:
        """The features it reads: ``token.raw``, ``word.pos``, ``host.embedding_similarity`` ..."""
        if self.typed is not None:
            return self.typed.reads
        return tuple(getattr(self.bounded, "reads", ()))

    @property
    def cost(self) -> str | None:
        """Asymptotic cost in the number of tokens; None for a program that was refused."""
        if self.typed is not None:
            return str(cost_of(self.typed))
        return "bounded by fuel" if self.bounded is not None else None

    @cached_property
    def structure(self) -> str:
        """The linear form inside a model: the classes of its terms; or "dense" and which part has no such form."""
        if self.typed is None:
            return "dense: a program with loops of its own" if self.bounded is not None else ""
        from attndsl.compiler.structure import linear_form

        form = linear_form(self.typed, self.causal)
        return f"dense: {form}" if isinstance(form, str) else ", ".join(form.classes) or "empty"

    @cached_property
    def ir(self) -> IRProgram:
        """The intermediate representation. Raises DiagnosticError E0802, E0351."""
        from attndsl.compiler import compile_library

        return compile_library([self._typed("has no compiled form")])[0]

    @cached_property
    def _bytecode(self) -> BytecodeMachine:
        from attndsl.runtime.machine import BytecodeMachine

        return BytecodeMachine([self.ir])

    def _typed(self, why: str) -> TypedProgram:
        if self.typed is None:
            raise fail(
                "E0802", f"{self.name!r} was {self.outcome.value}: it {why}",
                help="attndsl check FILE shows the reasons",
            )  # fmt: skip
        return self.typed

    # ------------------------------------------------------------ what it predicts

    def predict(self, text: str, tokenizer: Any, backend: str = "auto", raw: bool = False) -> NDArray[np.float32]:
        """The pattern on a text, float32 [query, key].

        ``tokenizer`` is a Hugging Face tokenizer. ``raw=True`` gives the matrix as the program returns it; otherwise it
        is clipped at zero, causal programs lose keys after the query, and rows are divided by their sum (an empty row
        goes to the first token in a causal program). Raises DiagnosticError: E0501 (unknown back end), E0530 (a text
        without tokens), E0802 (refused, or not possible on that back end), E04xx (run-time errors), E0611 (no parser).
        """
        from attndsl.runtime.pattern import normalise
        from attndsl.runtime.tokenize import token_table

        matrix = self.matrix(token_table(text, tokenizer), backend)
        if raw:
            return matrix.astype("float32")
        return normalise(matrix, causal=self.causal, name=self.name)

    def pattern_of_ids(self, ids: Sequence[int], tokenizer: Any) -> NDArray[np.float32]:
        """The pattern for token ids inside a model, float32 [n, n]; the text is decoded from the ids."""
        from attndsl.runtime.pattern import normalise
        from attndsl.runtime.tokenize import token_table_of_ids

        return normalise(self.matrix(token_table_of_ids(ids, tokenizer)), causal=self.causal, name=self.name)

    def matrix(self, table: TokenTable, backend: str = "auto") -> NDArray[np.float64]:
        """The matrix as the program returns it, float64 [query, key]. Raises as ``predict``."""
        import numpy as np

        if backend not in BACKENDS:
            raise fail("E0501", f"no back end is named {backend!r}", help=f"choose one of {', '.join(BACKENDS)}")
        if not len(table):  # compiled programs take one for granted, and each back end would fail in its own way
            raise fail("E0530", "a pattern needs at least one token, the text has none", help="leave out empty texts")
        if backend == "sandbox":
            return self._in_sandbox(table)
        if self.typed is None and self.bounded is not None and backend in ("auto", "numba"):
            return np.asarray(self.bounded.run(table, self.host_for(table)), dtype=np.float64)
        typed = self._typed(f"cannot run on the {backend} back end")
        if backend == "interpreter":
            from attndsl.dsl.interpreter import interpret

            return interpret(typed, table, self.host)
        from attndsl.compiler import Leaves, machine

        # One pattern is quicker on arrays than the compiled machine is loaded; libraries (runtime/kernel.py) use that.
        name = {"auto": "numpy"}.get(backend, backend)
        compiled = self._bytecode if name == "numba" else machine([self.ir], name)
        with np.errstate(all="ignore"):
            (found,) = compiled.run(Leaves(table, self.host))
        if isinstance(found, DiagnosticError):
            raise found
        return np.array(on_host(found), dtype=np.float64)

    def host_for(self, table: TokenTable) -> Mapping[str, HostFunction]:
        """The host's relations, with those that only this text can answer."""
        if not self.repaired:
            return self.host
        from attndsl.runtime.aligner import token_offsets

        return {**self.host, **token_offsets(table)}

    def _in_sandbox(self, table: TokenTable) -> NDArray[np.float64]:
        if self.source is None:
            raise fail(
                "E0802", f"{self.name!r} has no Python source to run in the sandbox",
                help="choose another back end; the sandbox is for programs that came from Python",
            )  # fmt: skip
        from attndsl.compiler import Leaves
        from attndsl.runtime.sandbox import shared_pool

        hosts = self.host_for(table)
        leaves = Leaves(table, hosts)
        matrices = {name: leaves.host(name) for name in hosts}
        return shared_pool().run_program(self.source, self.source_name, table, matrices, allow_nonfinite=True)


def on_host(array: Any) -> Any:
    """An array where numpy can read it: a torch tensor may lie on an accelerator."""
    return array.detach().cpu().numpy() if hasattr(array, "detach") else array


def describe_outcomes(programs: Sequence[Program]) -> dict[str, int]:
    """Counts by outcome, zero included."""
    counts = {outcome.value: 0 for outcome in Outcome}
    for program in programs:
        counts[program.outcome.value] += 1
    return counts
