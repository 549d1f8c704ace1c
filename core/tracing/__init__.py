"""Traces: what became of one request, from HTTP through the queues to the provider's answer."""
