"""Responses and conversations in one SQLite file."""
