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


def merged_locals() -> str:
    lines = ["    for i in range(n):", *[f"        v{k} = {k}" for k in range(80)]]
    for k in range(280):
        a, b, c, d = (f"v{(k + step) % 80}" for step in (0, 7, 3, 1))
        lines.append(f"        if toks[i] == 'w{k}': {a} = {b} + i; {c} = {d} - 1")
    return _program([*lines, "        A[i, 0] = v0 + v1 + v2"])


def elif_chains() -> str:
    lines = ["    for i in range(n):", "        a = b = c = d = 0"]
    for block in range(4):
        lines.append(f"        if i == {block}: a = b")
        for k in range(140):
            one, next_one = "abcd"[k % 4], "abcd"[(k + 1) % 4]
            lines.append(f"        elif toks[i] == 'x{k}' or i + {k} < a: {one} = {next_one} + {k}")
    return _program([*lines, "        A[i, 0] = a + b + c + d"])


def products_of_lists() -> str:
    lines = ["    l0 = [i for i in range(n) if toks[i] == 'a']"]
    lines += [f"    l{k} = [x + y for x in l{k - 1} for y in l{k - 1} if x != y]" for k in range(1, 40)]
    return _program([*lines, "    for i in l39: A[0, i % n] += 1"])


def looping_helpers() -> str:
    helpers = ["def h0(t, i): return sum(1 for x in t if x == t[i])"]
    for k in range(1, 30):
        helpers += [f"def h{k}(t, i):", "    s = 0", "    for j in range(i):"]
        helpers += [f"        if h{k - 1}(t, j) > {k}: s += h{k - 1}(t, i)", "    return s"]
    return _program(["    for i in range(n): A[i, 0] = h29(toks, i)"], helpers)


def tables_of_strings() -> str:
    words = ", ".join(f"'w{k}'" for k in range(1500))
    helpers = [f"WORDS = [{words}]", "TABLE = {w: len(w) for w in WORDS}"]
    lines = ["    for i in range(n):"]
    for k in range(60):
        lines.append(f"        if toks[i] in WORDS and toks[max(0, i - {k})] not in set(WORDS): A[i, {k} % n] += 1")
    return _program(lines, helpers)


def carried_flags() -> str:
    lines = [*[f"    f{k} = False" for k in range(60)], "    for i in range(n):"]
    for k in range(300):
        lines.append(f"        if toks[i] == 'w{k}' and not f{(k + 1) % 60}: f{k % 60} = not f{(k + 2) % 60}")
    return _program([*lines, "        if f0 and not f1: A[i, 0] = 1"])


def nested_ternaries() -> str:
    lines = ["    for i in range(n):", "        x = 0"]
    for k in range(30):
        value = "x"
        for depth in range(25):
            value = f"({depth} if toks[i] == 't{k}{depth}' else {value})"
        lines.append(f"        x = {value} + i")
    return _program([*lines, "        A[i, 0] = x"])


def polynomials() -> str:
    lines = ["    for i in range(n):", "        for j in range(i + 1):", "            x, y = i + 1, j + 2"]
    for k in range(300):
        lines.append(f"            x = x * (y + {k}) + i * j - x; y = (y - x) * (i + {k}) + y")
    return _program([*lines, "            A[i, j] = x % 7 + y"])


def small_loops() -> str:
    lines = ["    for i in range(n):", "        s = 0"]
    for k in range(340):
        lines.append(f"        for j in range(max(0, i - {k}), i + 1):")
        lines.append(f"            if toks[j] != toks[i]: s += j * {k}")
    return _program([*lines[:-2], "        A[i, 0] = s"])


def growing_vectors() -> str:
    lines = ["    for i in range(n):", "        w = np.arange(n) * 1.0"]
    lines += [f"        w = w + w * w - np.exp(w / {k})" for k in range(1, 300)]
    return _program([*lines, "        A[i] = w"])


def whole_matrices() -> str:
    lines = ["    B = np.ones((n, n))"]
    lines += [f"    A = A + B * {k}; B = np.maximum(A, B) / (A + {k})" for k in range(1, 400)]
    return _program(lines)


def crossing_writes() -> str:
    lines = ["    for i in range(n):", "        for j in range(i):"]
    lines += [f"            A[j, max(0, i - j - {k})] = {k}.5; A[i, j // {k}] *= {k}" for k in range(1, 300)]
    return _program(lines)


def reads_of_the_row() -> str:
    lines = ["    for i in range(n):", "        for j in range(1, i + 1):"]
    for k in range(1, 260):
        test = f"A[i, j - 1] < {k} and A[i, j] > A[i, max(0, j - {k})]"
        lines.append(f"            if {test}: A[i, j] += A[i, j - 1] * {k}")
    return _program(lines)


def many_sets() -> str:
    lines = ["    s0 = {i for i in range(n) if toks[i] == 'a'}", "    t0 = set(toks)"]
    for k in range(1, 300):
        new = f"{{j for j in range(n) if j in s{k - 1} and toks[j] in t0}}"
        lines.append(f"    s{k} = (s{k - 1} | {new}) & s{max(0, k - 2)}")
    return _program([*lines, "    for i in s150: A[i, 0] += 1"])


def many_dicts() -> str:
    lines = [*[f"    d{k} = {{}}" for k in range(40)], "    for i, t in enumerate(toks):"]
    for k in range(220):
        lines.append(f"        if t in d{k % 40}: A[i, d{k % 40}[t]] += len(d{(k + 1) % 40}); d{(k + 2) % 40}[t] = i")
    return _program(lines)


def ranked_lists() -> str:
    lines = ["    l0 = list(range(n))"]
    for k in range(1, 120):
        tests = f"a % 2 == 0 and b in l{k - 1}[{k}:]"
        lines.append(f"    l{k} = [b for a, b in enumerate(sorted(l{k - 1})) if {tests}]")
    return _program([*lines, "    for i, j in zip(l60, reversed(l60)): A[i, j] += 1"])


def nested_functions() -> str:
    lines = ["    f0 = lambda x: x + 1 if x > 2 else x"]
    for k in range(1, 40):
        f = f"f{k - 1}"
        lines.append(f"    f{k} = lambda x: {f}(x) + {f}(x * {k}) if {f}(x) > {k} else {f}(x - 1)")
    return _program([*lines, "    for i in range(n): A[i, 0] = f39(i)"])


def many_searches() -> str:
    lines = ["    for i in range(n):", "        p = i"]
    for k in range(250):
        lines += [f"        while p >= 0 and toks[p] != 'w{k}' and p + {k} > i: p -= 1", "        p = max(p, 0)"]
    return _program([*lines, "        A[i, p] = 1"])


def programs_with_helpers() -> str:
    helper = ["def find(t, i):", "    best = -1"]
    for k in range(12):
        helper += ["    for j in range(i, -1, -1):", f"        if t[j] == 'w{k}' and j > best:"]
        helper += ["            best = j", "            break"]
    helper.append("    return best")
    one = [_BEGIN[0].replace("L0H0", "L0H{0}"), *_BEGIN[1:], "    for i in range(n): A[i, find(toks, i)] = {0}", *_END]
    return _HEAD + "\n".join([*helper, *("\n".join(one).format(k) for k in range(95))])


def carried_choices() -> str:
    lines = ["    for i in range(n):", "        last = -1", "        for j in range(i):"]
    lines += [f"            if toks[j] == 'w{k}': last = j + {k} if last < j - {k} else last" for k in range(150)]
    return _program([*lines, "        if last >= 0: A[i, last % n] = 1"])


def _rotated(first: str, last: str) -> str:
    """Three names that take each other's values, one way or another: the choices share their parts."""
    lines = ["    for i in range(n):", f"        x, y, z = {first}"]
    for k in range(150):
        turns = (("y", "z", "a"), ("z", "x", "b"), ("x", "y", "c"))
        ways = (f"({a} if toks[i] == '{w}{k}' else {b})" for a, b, w in turns)
        lines.append(f"        x, y, z = {', '.join(ways)}")
    return _program([*lines, f"        {last}"])


def shared_numbers() -> str:
    return _rotated("1, 2, 3", "if x == 3: A[i, 0] = 1")


def shared_texts() -> str:
    return _rotated("toks[i], 'a', 'b'", "if x.lower() == 'u' and x.startswith('b') and len(x) > 3: A[i, 0] = 1")


def shared_lists() -> str:
    return _rotated("[i], [0], [i, 0]", "for v in x: A[i, v] = 1")


def shared_values_or_none() -> str:
    return _rotated("None, i, 0", "if x is not None and x > 0: A[i, x] = 1")


def growing_constants() -> str:
    grown = ["    x, s = 3, 'ab'", "    y = 9 ** 9 ** 9", *["    x = x * x", "    s = s + s.replace('a', s)"] * 60]
    return _program([*grown, "    A[0, (x + y + len(s)) % n] = 1"])


def tests_of_texts() -> str:
    one = "if toks[i].lower().strip().replace('a', 'b{0}').startswith('c{0}') or toks[i].endswith('d{0}')"
    return _program(["    for i in range(n):", *(f"        {one.format(k)}: A[i, {k} % n] += 1" for k in range(300))])


def many_continues() -> str:
    lines = ["    for i in range(n):", "        for j in range(i):"]
    for k in range(400):
        lines += [f"            if toks[j] == 'w{k}' and toks[i] != 'v{k}': continue", f"            A[i, j] += {k}"]
    return _program(lines)


SOURCES: dict[str, Callable[[], str]] = {
    made.__name__: made
    for made in (
        many_rules, many_cells, nested_loops, nested_loops_with_counts, long_elif, many_ifs, flags, long_boolean,
        boolean_products, small_helpers, doubling_helpers, doubling_values, doubling_choices, doubling_aggregates,
        nested_comprehensions, growing_lists, lists_of_lists, many_scans, many_constants, long_sums, many_bounds,
        tried_and_failed, many_names, many_programs, state_explosion, merged_locals, elif_chains, products_of_lists,
        looping_helpers, tables_of_strings, carried_flags, nested_ternaries, polynomials, small_loops, growing_vectors,
        whole_matrices, crossing_writes, reads_of_the_row, many_sets, many_dicts, ranked_lists, nested_functions,
        many_searches, programs_with_helpers, carried_choices, shared_numbers, shared_texts, shared_lists,
        shared_values_or_none, growing_constants, tests_of_texts, many_continues,
    )
}  # fmt: skip
"""Name -> a function that makes the source."""
