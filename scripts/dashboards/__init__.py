"""The dashboards of charts/postern/dashboards, as code: `python -m scripts.dashboards` writes them.

Panels are records (`panel.py`), one file a dashboard lists its own, and `board.py` makes of them
what Grafana reads, by the types that Grafana generates from its own schemas. What must not go in:
anything that is needed when Postern runs.
"""
