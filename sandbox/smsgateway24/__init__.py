"""The SMS gateway's simulator: one file a call, one line in `sandbox.app` for each."""
