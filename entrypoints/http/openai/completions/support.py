"""How the fields of legacy completions are supported."""

from __future__ import annotations

from entrypoints.http.openai.support import Table, accepted, emulated, honoured, refused

# What frameworks send for services of their own; leaving it out changes no answer.
HARMLESS = ("litellm_metadata", "provider", "session_id", "tags", "trace_id")

FIELDS: Table = {
    "prompt": honoured("a text, several, or tokens of OpenAI's vocabularies"),
    "model": honoured("`DEFAULT_MODEL` where it is left out"),
    "suffix": honoured("by models that can `insert`; emulated for others: they are asked in words"),
    "max_tokens": honoured("16 where it is left out"),
    "n": emulated("as many requests side by side; completion i has the seed `seed` + i"),
    "best_of": emulated("by the mean log probability of the tokens; not streamed"),
    "echo": emulated("not together with `logprobs`"),
    "logprobs": honoured("up to 5, in the legacy form; not together with `echo`"),
    "stream": honoured(),
    "stream_options": honoured("with `stream` only"),
    "stream_options.include_usage": honoured(),
    "stream_options.include_obfuscation": accepted("nothing is ever padded"),
    "temperature": honoured("`DEFAULT_TEMPERATURE` where it is left out"),
    "top_p": honoured(),
    "frequency_penalty": honoured(),
    "presence_penalty": honoured(),
    "seed": honoured(),
    "stop": honoured("one text or up to 64; an empty one is none"),
    "logit_bias": refused("empty is taken; model servers here cannot bias single tokens"),
    "user": accepted(),
    "options": honoured("Ollama's parameters by their own names: `num_ctx`, `top_k`, ..."),
    "top_k": honoured("as in `options`"),
    "min_p": honoured("as in `options`"),
    "typical_p": honoured("as in `options`"),
    "repeat_penalty": honoured("as in `options`"),
    "repetition_penalty": honoured("another name for `repeat_penalty`"),
    "num_ctx": honoured("as in `options`"),
    "keep_alive": honoured("by Ollama; the embedded model stays loaded"),
    "truncate": honoured("lets a prompt over the context be cut; else it is refused"),
    **{name: accepted("`x-ignored-parameters` names it") for name in HARMLESS},
}
