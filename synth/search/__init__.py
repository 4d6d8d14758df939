"""Programs without a language model: rules grown one by one on a head's patterns."""
