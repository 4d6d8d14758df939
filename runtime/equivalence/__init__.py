"""Whether two programs mean the same: proofs for all texts, bounded search over all short texts, differences shown.

``pair`` compiles two programs together and runs them, ``prove`` asks z3 about one cell at unknown positions of an
unknown text, ``classes`` makes the vocabulary small enough to try every short text, ``differences`` looks for a text
on which the two differ, and ``compare`` puts them in order.
"""
