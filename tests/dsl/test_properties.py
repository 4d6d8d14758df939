"""Random programs: printed text reads back, the checker never crashes, formatting keeps comments."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import ProgramMaker, RandomChoices, programs

from attndsl.dsl import nodes as N
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.parser import parse_program
from attndsl.dsl.printer import to_text

steady = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@steady
@given(programs())
def test_printed_text_reads_back_equal(program):
    text = to_text(program)
    assert parse_program(text) == program
    assert to_text(parse_program(text)) == text


@steady
@given(programs())
def test_random_programs_are_accepted(program):
    assert check(program).program is program


def test_many_random_programs_read_back_equal():
    for seed in range(400):
        program = ProgramMaker(RandomChoices(seed)).program(4)
        assert parse_program(to_text(program)) == program, seed


def _mixed(program, other):
    """A program with parts that need not fit: rules of one under definitions of another."""
    return replace(program, direction="causal", items=(*other.items[-2:], *program.items[1:], *other.items[:1]))


def codes_of(program):
    """Codes that the checker refuses a program with; none when it is accepted."""
    try:
        check(program)
    except DiagnosticError as error:
        return {d.code for d in error.diagnostics}
    return set()


NAMES_AND_KINDS = {"E0201", "E0202", "E0203", "E0204", "E0205", "E0206", "E0207", "E0208", "E0209", "E0210"}


@steady
@given(programs(), programs())
def test_checker_accepts_or_refuses_with_a_code(program, other):
    assert codes_of(_mixed(program, other)) <= NAMES_AND_KINDS


def _swap_kinds(node, choices):
    """The tree with some sub-expressions replaced by ones of a random kind."""
    if isinstance(node, N.Rule):
        wrong = (N.Text("a"), N.Truth(True), N.AllWords(), N.SetOf((N.Text("a"),)), N.Var("z"), N.Name("Nothing"))
        return replace(node, value=choices.pick(wrong), when=choices.pick((None, *wrong)))
    return node


@steady
@given(programs(), st.integers(0, 10**6))
def test_checker_refuses_wrong_kinds_with_a_code(program, seed):
    choices = RandomChoices(seed)
    wrong = replace(program, items=tuple(_swap_kinds(item, choices) for item in program.items))
    assert codes_of(wrong) <= NAMES_AND_KINDS


def test_wrong_kinds_are_mostly_refused():
    refused = 0
    for seed in range(60):
        choices = RandomChoices(seed)
        program = ProgramMaker(choices).program(2)
        refused += bool(codes_of(replace(program, items=tuple(_swap_kinds(item, choices) for item in program.items))))
    assert refused > 40


COMMENTED = """# above the head
head "x" causal  # beside the head
# above the claim
claim "says"  # beside the claim

# two lines
# above the rule
add 1 to each k
    where k.is_punct  # beside the end of a rule
# at the end
"""


def test_comments_survive_formatting_once_and_twice():
    once = to_text(parse_program(COMMENTED))
    assert to_text(parse_program(once)) == once
    for line in COMMENTED.splitlines():
        if "#" in line:
            assert line.split("#", 1)[1] in once


@steady
@given(programs(words=False), st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=5))
def test_no_comment_is_lost(program, places):
    lines = to_text(program).splitlines()
    for number, (place, beside) in enumerate(places):
        at = place % len(lines)
        lines[at] = (
            f"{lines[at]}  # note {number}" if beside and "#" not in lines[at] else f"# note {number}\n{lines[at]}"
        )
    text = "\n".join(lines) + "\n"
    once = to_text(parse_program(text))
    assert all(f"# note {number}" in once for number in range(len(places)))
    assert to_text(parse_program(once)) == once
    assert parse_program(once) == program
