"""Pure types and rules: what a conversation with a model is, whoever asks and whoever answers."""
