"""Measurements, not tests: `just bench`."""
