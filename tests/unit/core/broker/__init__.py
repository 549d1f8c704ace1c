"""The broker's parts that need no server."""
