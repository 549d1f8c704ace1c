"""The marketing platform's simulator: one file a family of calls, one line in its table for
each."""
