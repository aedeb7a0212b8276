"""Responses and conversations on a Valkey server, or Redis, which speaks the same."""
