"""What the adapters of several engines have in common."""
