"""The `postern` command: one file a command, put together in `main`."""
