"""attndsl: attention heads as small programs you can read, test and put back into the model."""

__version__ = "0.1.0"
