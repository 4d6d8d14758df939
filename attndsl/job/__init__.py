"""The main job and its parts, wired: models give patterns, programs give predictions, runtime scores them.

``explain`` runs everything; ``score_stage``, ``replace_stage`` and ``report_stage`` are its parts. Nothing here is
finished twice: every stage's result is a file in the run's folder, addressed by what it depends on.
"""
