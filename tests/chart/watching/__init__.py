"""Alerts and dashboards, held to the code and to a real Prometheus that reads a running stack."""
