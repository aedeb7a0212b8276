"""A question and its answer by Responses: OpenAI's quickstart, but for where it is sent."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://localhost:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "any, where the service has none"),
)

response = client.responses.create(
    model=os.environ.get("MODEL", ""),
    instructions="You are a helpful assistant.",
    input="Write a one-sentence bedtime story about a unicorn.",
    max_output_tokens=100,
)

print(response.output_text)
