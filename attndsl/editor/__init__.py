"""The language server: what an editor asks about a text, answered without running any of it.

    text -> analyse -> Analysis (findings, programs) ─► diagnostics, hover, symbols, definition, fixes
    position -> ``words_at`` (lexical: works on half-typed text too)

Only ``server.py`` and ``protocol.py`` know the protocol; the other files speak of texts and spans.
"""
