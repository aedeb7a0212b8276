"""How the fields of Responses are supported."""

from __future__ import annotations

from entrypoints.http.openai.responses.items import HOSTED
from entrypoints.http.openai.support import Table, accepted, emulated, honoured, refused

# What frameworks send for services of their own; leaving it out changes no answer.
HARMLESS = (
    "access_programs",
    "background_options",
    "image",
    "litellm_metadata",
    "provider",
    "session_id",
    "tags",
    "trace_id",
)

# Of Chat Completions; what says the same here.
ELSEWHERE = {
    "messages": "'input'",
    "max_tokens": "'max_output_tokens'",
    "max_completion_tokens": "'max_output_tokens'",
    "response_format": "'text.format'",
    "reasoning_effort": "'reasoning.effort'",
    "verbosity": "'text.verbosity'",
    "functions": "'tools'",
    "function_call": "'tool_choice'",
    "logprobs": "'include', with 'message.output_text.logprobs'",
    "truncate": "'truncation'",
}

_NAMED = "`x-ignored-parameters` names it"
_HOSTED = "offer a function in its place; passed over where other tools remain"

_FIELDS: Table = {
    "input": honoured("a text, or a list of items; may be missing where it follows something"),
    "model": honoured("`DEFAULT_MODEL` where it is left out"),
    "instructions": honoured("of this response alone"),
    "previous_response_id": honoured("up to 100 responses back"),
    "conversation": honoured("grows by what is asked and answered"),
    "conversation.id": honoured(),
    "store": honoured("`RESPONSE_STORE=none` keeps nothing, and says so"),
    "background": honoured("with `store` only; up to 256 at a time"),
    "stream": honoured(),
    "stream_options": accepted("with `stream` only; nothing is ever padded"),
    "include": honoured("`message.output_text.logprobs`, `reasoning.encrypted_content`"),
    "temperature": honoured("`DEFAULT_TEMPERATURE` where it is left out"),
    "top_p": honoured(),
    "max_output_tokens": honoured("reasoning included"),
    "max_tool_calls": accepted("counts calls of tools that are run here, and there are none"),
    "top_logprobs": honoured("with `include` of `message.output_text.logprobs`"),
    "parallel_tool_calls": emulated("`false` leaves calls after the first out"),
    "text": honoured(),
    "text.format": honoured(),
    "text.format[text]": accepted("as nothing"),
    "text.format[json_object]": honoured("the model is told so, too"),
    "text.format[json_schema]": honoured("the model is shown the schema, too"),
    "text.format[json_schema].name": honoured(),
    "text.format[json_schema].schema": honoured("`$ref` and `$defs` included"),
    "text.format[json_schema].description": accepted("echoed"),
    "text.format[json_schema].strict": emulated(
        "the answer is checked; one second attempt where it is whole, then an error"
    ),
    "text.verbosity": emulated("an instruction to the model; `medium` adds none"),
    "reasoning": honoured("by models that think"),
    "reasoning.effort": honoured("on the levels that the model has"),
    "reasoning.summary": accepted("what the model thinks is always shown"),
    "reasoning.generate_summary": accepted("as `reasoning.summary`"),
    "reasoning.mode": accepted(),
    "reasoning.context": accepted(),
    "truncation": honoured("`auto` lets the model server cut the context"),
    "metadata": honoured("kept and echoed"),
    "user": accepted("echoed"),
    "safety_identifier": accepted("echoed"),
    "prompt_cache_key": accepted("model servers find common prefixes by themselves"),
    "prompt_cache_retention": accepted(),
    "prompt_cache_options": accepted(),
    "service_tier": accepted("the answer says `default`"),
    "context_management": accepted(f"{_NAMED}; see POST /v1/responses/compact"),
    "prompt": refused("there are no stored prompts; send `instructions` and `input`"),
    "moderation": refused("this service does not moderate"),
}

_CALLED: Table = {
    "tools[function]": honoured(),
    "tools[function].name": honoured(),
    "tools[function].description": honoured(),
    "tools[function].parameters": honoured(),
    "tools[function].strict": emulated("the arguments are checked; false where it is left out"),
    "tools[custom]": emulated("the model is offered a function of one text"),
    "tools[custom].name": emulated("as above"),
    "tools[custom].description": emulated("as above"),
    "tools[custom].format": accepted("any text"),
    "tools[custom].format[grammar]": refused("offer a function with a JSON Schema"),
    "tools[function].output_schema": accepted(),
    "tools[*].async": accepted(_NAMED),
    "tools[*].allowed_callers": accepted(),
    "tools[*].defer_loading": accepted(),
}

_TOOLS: Table = {
    "tools": honoured("by models that call tools; an empty list is taken"),
    **_CALLED,
    "tools[namespace]": emulated("the model is offered its tools as `namespace__name`"),
    "tools[namespace].name": emulated("as above; a call has it as `namespace`"),
    "tools[namespace].description": emulated("the model is told it with the first of the tools"),
    "tools[namespace].tools": emulated("functions and custom tools, as outside of one"),
    **{f"tools[namespace].{path}": support for path, support in _CALLED.items()},
    **{
        f"tools[{kind}]": refused(_HOSTED)
        for kind in (
            "apply_patch",
            "code_interpreter",
            "computer",
            "computer_use_preview",
            "file_search",
            "image_generation",
            "local_shell",
            "mcp",
            "programmatic_tool_calling",
            "shell",
            "tool_search",
        )
    },
    # Web searches, of several types.
    **{
        f"tools.{name}": refused(_HOSTED)
        for name in (
            "type",
            "filters",
            "search_context_size",
            "search_content_types",
            "user_location",
            "external_web_access",
        )
    },
    "tool_choice": emulated("`required` holds the answer to the form of a call"),
    "tool_choice[function]": emulated("as `required`, with this tool alone"),
    "tool_choice[function].name": emulated("as above"),
    "tool_choice[custom]": emulated("as above"),
    "tool_choice[custom].name": emulated("as above"),
    "tool_choice[allowed_tools]": emulated("the others are not offered"),
    "tool_choice[allowed_tools].mode": emulated("`auto` or `required`"),
    "tool_choice[allowed_tools].tools": emulated("as above"),
    **{
        f"tool_choice{kind}": refused("it is not run here")
        for kind in ("[mcp]", "[apply_patch]", "[shell]", "[programmatic_tool_calling]", ".type")
    },
}

_OUTPUT: Table = {
    ".call_id": honoured("of a call that came before"),
    ".output": honoured("text, or a list of parts"),
    ".output[input_text]": honoured(),
    ".output[input_text].text": honoured(),
    ".output[input_image]": honoured("by models that see"),
    ".output[input_image].image_url": honoured("as in messages"),
    ".output[input_image].detail": accepted("the model decides"),
    ".output[input_image].file_id": refused("there are no files here"),
    ".output[input_file]": refused("send its text"),
    ".output[*].prompt_cache_breakpoint": accepted(),
}

_INPUT: Table = {
    "input[message]": honoured("of a user, the system, a developer or an assistant"),
    "input[assistant]": honoured("an answer that is sent back"),
    "input[*].content": honoured("text, or a list of parts"),
    "input[message].content[input_text]": honoured(),
    "input[message].content[input_text].text": honoured(),
    "input[message].content[input_image]": honoured("by models that see"),
    "input[message].content[input_image].image_url": honoured(
        "a `data:` URL of PNG, JPEG, GIF, WebP or BMP; `http(s)` where `IMAGE_URL_HOSTS` allows it"
    ),
    "input[*].content[input_image].detail": accepted("the model decides"),
    "input[*].content[input_image].file_id": refused("there are no files here"),
    "input[*].content[input_file]": refused("send its text"),
    "input[*].content[*].prompt_cache_breakpoint": accepted(),
    "input[assistant].content[output_text]": honoured(),
    "input[assistant].content[output_text].text": honoured(),
    "input[assistant].content[output_text].annotations": accepted(),
    "input[assistant].content[output_text].logprobs": accepted("not read back"),
    "input[assistant].content[refusal]": honoured("as text"),
    "input[assistant].content[refusal].refusal": honoured("as text"),
    "input[*].id": accepted("kept"),
    "input[*].status": accepted("kept"),
    "input[*].phase": accepted("kept"),
    "input[*].caller": accepted(),
    "input[*].namespace": accepted(),
    "input[*].async": accepted(_NAMED),
    "input[function_call]": honoured(),
    "input[function_call].call_id": honoured(),
    "input[function_call].name": honoured(),
    "input[function_call].arguments": honoured(),
    "input[function_call].namespace": emulated("the model is told `namespace__name`"),
    "input[function_call_output]": honoured(),
    "input[custom_tool_call_output]": emulated("as `function_call_output`"),
    **{
        f"input[{kind}]{rest}": support
        for kind in ("function_call_output", "custom_tool_call_output")
        for rest, support in _OUTPUT.items()
    },
    "input[function_call_output].name": accepted(),
    "input[custom_tool_call]": emulated("as `function_call`"),
    "input[custom_tool_call].call_id": emulated("as above"),
    "input[custom_tool_call].name": emulated("as above"),
    "input[custom_tool_call].input": emulated("as above"),
    "input[custom_tool_call].namespace": emulated("as above"),
    "input[reasoning]": honoured("goes with the assistant's next words or calls"),
    "input[reasoning].summary": honoured("where there is no content"),
    "input[reasoning].summary[summary_text]": honoured(),
    "input[reasoning].summary[summary_text].text": honoured(),
    "input[reasoning].content[reasoning_text]": honoured(),
    "input[reasoning].content[reasoning_text].text": honoured(),
    "input[reasoning].encrypted_content": honoured("of this service; any other is passed over"),
    "input[compaction_trigger]": honoured("at the end: the output is a compaction of the context"),
    "input[compaction_trigger].id": accepted(),
    "input[compaction]": honoured(),
    "input[compaction].encrypted_content": honoured("of this service; any other is refused"),
    "input.id": honoured("of an item that is kept, in place of itself"),
    "input.type": accepted("may be missing where there is an id alone"),
    # Developers' messages have the type `message`.
    "input[developer]": accepted(f"`additional_tools`: passed over; {_NAMED}"),
    "input[configuration_update]": refused("each request has its own configuration"),
    **{
        f"input[{kind}]": accepted(f"passed over; {_NAMED}")
        for kind in sorted(HOSTED)
        if kind != "additional_tools"
    },
}

_OWN: Table = {
    "client_metadata": accepted("Codex has it"),
    "presence_penalty": honoured("Open Responses has it"),
    "frequency_penalty": honoured("Open Responses has it"),
    **{name: accepted(_NAMED) for name in HARMLESS},
}

FIELDS: Table = {**_FIELDS, **_TOOLS, **_INPUT, **_OWN}
