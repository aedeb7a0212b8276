"""/v1/conversations; its items are those of Responses."""
