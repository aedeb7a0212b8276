"""A response that is shown while it is made: OpenAI's example, but for where it is sent."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://localhost:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "any, where the service has none"),
)

stream = client.responses.create(
    model=os.environ.get("MODEL", ""),
    input=[{"role": "user", "content": "Say 'double bubble bath' ten times fast."}],
    max_output_tokens=100,
    stream=True,
)

for event in stream:
    if event.type == "response.output_text.delta":
        print(event.delta, end="", flush=True)
print()
