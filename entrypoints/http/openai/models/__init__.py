"""GET and DELETE /v1/models."""
