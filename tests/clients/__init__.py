"""Clients that people use, each from its own environment; run with `just test-clients`."""
