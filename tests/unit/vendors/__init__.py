"""Tests of the vendors: each a pure package, so none of these needs a server."""
