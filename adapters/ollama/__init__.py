"""Ollama's native API behind LLMPort."""
