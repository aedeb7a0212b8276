"""The page at /, on which one tries a model in a browser."""
