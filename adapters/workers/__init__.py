"""What processes that serve together share: the parent keeps it, its workers ask."""
