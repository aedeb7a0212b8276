"""A question and its answer: OpenAI's quickstart, but for where it is sent."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://localhost:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "any, where the service has none"),
)

completion = client.chat.completions.create(
    model=os.environ.get("MODEL", ""),
    messages=[
        {"role": "developer", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Write a one-sentence bedtime story about a unicorn."},
    ],
    max_completion_tokens=100,
)

print(completion.choices[0].message.content)
