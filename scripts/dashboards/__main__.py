"""Writes the dashboards into the chart: `python -m scripts.dashboards`."""

from __future__ import annotations

from scripts.dashboards.write import FOLDER, documents

for name, text in documents().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
