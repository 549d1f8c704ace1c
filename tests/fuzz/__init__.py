"""Coverage-guided fuzzing of what takes bytes of strangers, or files of those who write rules.

`python -m tests.fuzz --seconds 300` runs every target; `make proof` does, CI has a short form.
"""
