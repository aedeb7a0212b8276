"""A model that may call a function: OpenAI's example, but for where it is sent.

A small model may answer by itself instead; `tool_choice="required"` makes any model call.
"""

import json
import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://localhost:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "any, where the service has none"),
)
model = os.environ.get("MODEL", "")


def get_weather(location):
    """Return the temperature of a place, in degrees Celsius."""
    return f"14 degrees in {location}"


tools = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get current temperature for a given location.",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {
                        "type": "string",
                        "description": "City and country e.g. Bogotá, Colombia",
                    }
                },
                "required": ["location"],
                "additionalProperties": False,
            },
            "strict": True,
        },
    }
]
messages = [{"role": "user", "content": "What is the weather like in Paris today?"}]

completion = client.chat.completions.create(
    model=model, messages=messages, tools=tools, max_completion_tokens=200
)
message = completion.choices[0].message

if message.tool_calls:
    messages.append(message)
    for tool_call in message.tool_calls:
        arguments = json.loads(tool_call.function.arguments)
        result = get_weather(arguments["location"])
        print(f"get_weather({arguments}) = {result}")
        messages.append({"role": "tool", "tool_call_id": tool_call.id, "content": result})
    completion = client.chat.completions.create(
        model=model, messages=messages, max_completion_tokens=100
    )

print(completion.choices[0].message.content)
