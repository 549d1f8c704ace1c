"""The container image and compose.yaml, held to the project without a daemon."""
