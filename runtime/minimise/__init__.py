"""The smallest program near a program: ``steps`` are ways to say less, ``search`` takes them and checks."""
