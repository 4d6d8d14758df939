import numpy as np


def previous_token(sentence, tokenizer):
    """Each token looks at the one before it, the first at itself."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence)["input_ids"])
    n = len(tokens)
    pattern = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            if i - j == 1 or i == 0:
                pattern[i, j] = 1.0
    return "previous token", pattern


def previous_verb(sentence, tokenizer):
    """Each token looks at the verbs before it."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence)["input_ids"])
    tags = tag_words(sentence)  # no such helper exists: language models make them up
    pattern = np.zeros((len(tokens), len(tokens)))
    for i in range(len(tokens)):
        for j in range(i):
            if tags[j] == "VERB":
                pattern[i, j] = 1.0
    return "previous verb", pattern
