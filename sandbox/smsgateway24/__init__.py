"""The SMS gateway's simulator: one file a call, one line in `calls` for each."""
