"""Python clients; their packages are in `.venv-clients` alone."""
