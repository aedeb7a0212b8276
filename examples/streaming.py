"""An answer that is shown while it is made: OpenAI's example, but for where it is sent."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://localhost:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "any, where the service has none"),
)

stream = client.chat.completions.create(
    model=os.environ.get("MODEL", ""),
    messages=[{"role": "user", "content": "Say 'double bubble bath' ten times fast."}],
    max_completion_tokens=100,
    stream=True,
)

for chunk in stream:
    if chunk.choices and chunk.choices[0].delta.content:
        print(chunk.choices[0].delta.content, end="", flush=True)
print()
