"""Responses and conversations behind ResponseStorePort."""
