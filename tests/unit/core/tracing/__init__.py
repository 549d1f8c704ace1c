"""Traces: what is read, what is opened, what a span holds."""
