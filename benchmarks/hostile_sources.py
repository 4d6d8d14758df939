"""Python sources of up to 32 KB made to cost a compiler time: generated, for ``bench_compile.py`` and the tests.

Each name says what multiplies: nesting, branches, helper functions that call one another, definitions that double.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

SIZE = 32 * 1024
_HEAD = "import numpy as np\n"
_BEGIN = [
    "def program_L0H0(sentence, tokenizer):",
    "    toks = tokenizer.convert_ids_to_tokens(tokenizer(sentence)['input_ids'])",
    "    n = len(toks)",
    "    A = np.zeros((n, n))",
]
_END = ["    return 'L0H0', A", ""]


def _program(body: Iterable[str], helpers: Iterable[str] = ()) -> str:
    """A program file with as much of ``body`` as fits into the size."""
    text = [_HEAD, *helpers, *_BEGIN]
    room = SIZE - sum(len(line) + 1 for line in (*text, *_END))
    assert room > 0, "the helper functions alone are too long"
    for line in body:
        room -= len(line) + 1
        if room < 0:
            break
        text.append(line)
    return "\n".join([*text, *_END])


def many_rules() -> str:
    return _program(f"    for i in range(n): A[i, max(0, i - {k})] += {k}.5" for k in range(1, 2000))


def many_cells() -> str:
    return _program(f"    A[{k % 7}, {k % 11}] = {k}" for k in range(4000))


def nested_loops() -> str:
    lines = ["    for v0 in range(n):"]
    lines += ["    " + " " * depth + f"for v{depth} in range(v{depth - 1}):" for depth in range(1, 18)]
    lines.append("    " + " " * 18 + "A[v0, v17] += 1")
    return _program(lines)


def nested_loops_with_counts() -> str:
    lines = ["    c = 0"]
    for depth in range(12):
        lines.append("    " + " " * depth + f"for v{depth} in range(n):")
        lines.append("    " + " " * (depth + 1) + f"c += v{depth}")
        lines.append("    " + " " * (depth + 1) + f"if toks[v{depth}] == 'a' and c > {depth}: A[v{depth}, c % n] += c")
    return _program(lines)


def long_elif() -> str:
    lines = ["    for i in range(n):", "        for j in range(i + 1):", "            if toks[j] == 'w0': A[i, j] = 1"]
    lines += [f"            elif toks[j] == 'w{k}' and i - j < {k}: A[i, j] = {k}" for k in range(1, 140)]
    return _program(lines)


def many_ifs() -> str:
    lines = ["    for i in range(n):", "        x = 0"]
    lines += [f"        if toks[i] == 'w{k}': x = x + {k}" for k in range(900)]
    return _program([*lines[:700], "        A[i, 0] = x"])


def flags() -> str:
    lines = ["    for i in range(n):", "        f0 = i > 3"]
    lines += [f"        f{k} = toks[i] == 'w{k}' or (f{k - 1} and i > {k})" for k in range(1, 450)]
    return _program([*lines, "        A[i, 0] = 1.0 if f449 else 2.0"])


def long_boolean() -> str:
    parts = [f"toks[i] == 'w{k}'" for k in range(180)]
    rows = [f"        if {' or '.join(parts[k : k + 90])}: A[i, {k}] = 1" for k in range(12)]
    return _program(["    for i in range(n):", *rows])


def boolean_products() -> str:
    rows = []
    for k in range(60):
        product = " and ".join(f"(toks[i] == 'a{k}{j}' or i > {j})" for j in range(12))
        rows.append(f"        if {product}: A[i, 0] += 1")
    return _program(["    for i in range(n):", *rows])


def small_helpers() -> str:
    helpers = ["def h0(x): return x + 1", "def h1(x): return x * 2"]
    helpers += [f"def h{k}(x): return h{k - 1}(x) + h{k - 2}(x)" for k in range(2, 500)]
    return _program(["    for i in range(n): A[i, 0] = h499(i)"], helpers)


def doubling_helpers() -> str:
    helpers = ["def h0(x): return x if x > 3 else x + 1"]
    helpers += [f"def h{k}(x): return h{k - 1}(x) + h{k - 1}(x + {k})" for k in range(1, 24)]
    return _program(["    for i in range(n): A[i, 0] = h23(i)"], helpers)


def doubling_values() -> str:
    return _program(["    x = n * 1.5", *["    x = x + x * x"] * 300, "    A[0, 0] = x"])


def doubling_choices() -> str:
    lines = ["    for i in range(n):", "        x = i"]
    lines += [f"        x = x + {k} if toks[x % n] == 'w{k}' else x - 1" for k in range(400)]
    return _program([*lines, "        A[i, 0] = x"])


def doubling_aggregates() -> str:
    lines = ["    c = sum(1 for t in toks if t == 'a')"]
    lines += [f"    c = sum(1 for k in range(n) if k < c + {k})" for k in range(500)]
    return _program([*lines, "    A[0, 0] = c"])


def nested_comprehensions() -> str:
    inner = "1"
    for k in range(14):
        inner = f"sum({inner} for v{k} in range(n) if toks[v{k}] == 'x{k}')"
    return _program([f"    A[0, 0] += {inner}"] * 200)


def growing_lists() -> str:
    lines = ["    out = []", "    for i in range(n):"]
    lines += [f"        if toks[i] == 'w{k}': out.append(i + {k})" for k in range(500)]
    return _program([*lines, "    for i in out: A[i % n, 0] += 1"])


def lists_of_lists() -> str:
    lines = ["    l0 = [i for i in range(n) if toks[i] == 'a']"]
    lines += [f"    l{k} = [x for x in l{k - 1} if x in l{max(0, k - 2)}] + l{k - 1}" for k in range(1, 300)]
    return _program([*lines[:250], "    for i in l200: A[i, 0] += 1"])


def many_scans() -> str:
    lines = ["    for i in range(n):", "        s = 0"]
    for k in range(150):
        lines += ["        for j in range(i, -1, -1):", f"            if toks[j] == 'w{k}' and j > s:"]
        lines += ["                s = j", "                break"]
    return _program([*lines[:470], "        A[i, s] = 1"])


def many_constants() -> str:
    constants = [f"C{k} = {k}" if not k else f"C{k} = C{k - 1} + 1" for k in range(1300)]
    return _program(["    A[0, 0] = C1299"], constants)


def long_sums() -> str:
    total = " + ".join(f"x{k}" for k in range(150))
    lines = [f"        x{k} = i * {k} + len(toks[max(0, i - {k})])" for k in range(150)]
    return _program(["    for i in range(n):", *lines, *[f"        A[i, 0] += {total}"] * 20])


def many_bounds() -> str:
    lines = ["    for i in range(n):", "        for j in range(n):"]
    for k in range(20):
        tests = " and ".join(f"i * {k + m + 2} - j * {m + 3} > {m}" for m in range(40))
        lines.append(f"            if {tests}: A[i, j] += 1")
    return _program(lines)


def tried_and_failed() -> str:
    lines = ["    for i in range(n):"]
    for k in range(300):
        lines += [f"        try: A[i, i - {k}] = 1 / (i - {k})", f"        except ZeroDivisionError: A[i, 0] = {k}"]
    return _program(lines)


def many_names() -> str:
    return _program([f"    v{k} = undefined_{k}(v{k - 1})" if k else "    v0 = 0" for k in range(1200)])


def many_programs() -> str:
    one = [_BEGIN[0].replace("L0H0", "L0H{0}"), *_BEGIN[1:], "    A[0, 0] = 1", *_END]
    return _HEAD + "\n".join("\n".join(one).format(k) for k in range(130))


def state_explosion() -> str:
    lines = ["    for i in range(n):"]
    lines += [f"        v{k} = None" for k in range(60)]
    for k in range(340):
        lines.append(f"        if toks[i] == 'w{k}': v{k % 60} = i if v{(k + 1) % 60} is None else v{(k + 1) % 60}")
    return _program([*lines, "        if v0 is not None: A[i, v0] = 1"])


SOURCES: dict[str, Callable[[], str]] = {
    made.__name__: made
    for made in (
        many_rules, many_cells, nested_loops, nested_loops_with_counts, long_elif, many_ifs, flags, long_boolean,
        boolean_products, small_helpers, doubling_helpers, doubling_values, doubling_choices, doubling_aggregates,
        nested_comprehensions, growing_lists, lists_of_lists, many_scans, many_constants, long_sums, many_bounds,
        tried_and_failed, many_names, many_programs, state_explosion,
    )
}  # fmt: skip
"""Name -> a function that makes the source."""
