"""llama.cpp in this process behind LLMPort."""
