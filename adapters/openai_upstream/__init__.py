"""Any engine that speaks OpenAI's API behind LLMPort."""
