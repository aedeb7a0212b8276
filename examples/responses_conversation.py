"""Three turns, each after the one before: the service remembers what was said."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://localhost:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "any, where the service has none"),
)

previous = None
for question in ("Tell me a joke.", "Explain why this is funny.", "Tell me another one."):
    response = client.responses.create(
        model=os.environ.get("MODEL", ""),
        previous_response_id=previous,
        input=question,
        max_output_tokens=60,
    )
    previous = response.id
    print(f"> {question}\n{response.output_text}\n")
