"""transformers without its progress bars and notices, for a while: what we do is told in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence progress bars and messages below errors inside the context; the settings are restored."""
    from huggingface_hub.utils import logging as hub_logs
    from transformers.utils import logging as logs

    logging: Any = logs  # neither module declares the types of these functions
    hub_logging: Any = hub_logs
    level, hub_level = logging.get_verbosity(), hub_logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        hub_logging.set_verbosity(hub_level)
        if bars:
            logging.enable_progress_bar()
