// The official Node client on Chat Completions.
import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI, {
  APIConnectionError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
} from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

// Address and key come from the environment.
const client = new OpenAI({ maxRetries: 0 });
const model = "scripted";
const saying = (content) => [{ role: "user", content }];
const City = z.object({ name: z.string(), inhabitants: z.number().int() });
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

test("a whole answer", async () => {
  const { data, response, request_id } = await client.chat.completions
    .create({ model, messages: saying("Hello") })
    .withResponse();

  assert.equal(data.choices[0].message.content, "You said: Hello");
  assert.equal(data.choices[0].finish_reason, "stop");
  assert.deepEqual([data.usage.prompt_tokens, data.usage.completion_tokens], [1, 3]);
  assert.equal(request_id, response.headers.get("x-request-id"));
  assert.equal(data._request_id, request_id);
});

test("a stream, with its usage", async () => {
  const stream = await client.chat.completions.create({
    model,
    messages: saying("Hello"),
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await all(stream);

  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
  assert.equal(text, "You said: Hello");
  assert.equal(chunks.at(-1).usage.total_tokens, 4);
  assert.deepEqual(chunks.at(-1).choices, []);
});

test("a stream with three choices", async () => {
  const stream = client.chat.completions.stream({ model, messages: saying("Hi"), n: 3 });
  const answer = await stream.finalChatCompletion();

  assert.deepEqual(answer.choices.map((choice) => choice.message.content), Array(3).fill("You said: Hi"));
});

test("the stream helper: events and the whole answer", async () => {
  const deltas = [];
  const stream = client.chat.completions
    .stream({ model, messages: saying("Hello") })
    .on("content", (delta) => deltas.push(delta));

  assert.equal(await stream.finalContent(), "You said: Hello");
  assert.ok(deltas.length > 1);
  assert.equal(deltas.join(""), "You said: Hello");
});

test("the stream helper: calls", async () => {
  const stream = client.chat.completions.stream({
    model,
    messages: saying("How is it in Rome?"),
    tools: [weather],
  });
  const answer = await stream.finalChatCompletion();

  const [call] = answer.choices[0].message.tool_calls;
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "Rome" });
  assert.equal(answer.choices[0].finish_reason, "tool_calls");
});

for (const stream of [false, true]) {
  test(`runTools, ${stream ? "streamed" : "whole"}`, async () => {
    const runner = client.chat.completions.runTools({
      model,
      stream,
      messages: saying("How is it in Rome?"),
      tools: [
        {
          type: "function",
          function: {
            ...weather.function,
            parse: JSON.parse,
            function: ({ city }) => `sunny in ${city}`,
          },
        },
      ],
    });

    assert.equal(await runner.finalContent(), "The tool says: sunny in Rome");
  });
}

test("parse with zod", async () => {
  const answer = await client.chat.completions.parse({
    model,
    messages: saying("The city in Paris with 2 million"),
    response_format: zodResponseFormat(City, "city"),
  });

  assert.deepEqual(answer.choices[0].message.parsed, { name: "Paris", inhabitants: 2 });
});

test("parse a stream with zod", async () => {
  const stream = client.chat.completions.stream({
    model,
    messages: saying("The city in Paris with 2 million"),
    response_format: zodResponseFormat(City, "city"),
  });
  const answer = await stream.finalChatCompletion();

  assert.deepEqual(answer.choices[0].message.parsed, { name: "Paris", inhabitants: 2 });
});

test("a tool that must be called, with zod", async () => {
  const answer = await client.chat.completions.parse({
    model,
    messages: saying("How is it in Rome?"),
    tools: [zodFunction({ name: "get_weather", parameters: z.object({ city: z.string() }) })],
    tool_choice: { type: "function", function: { name: "get_weather" } },
  });

  const [call] = answer.choices[0].message.tool_calls;
  assert.deepEqual(call.function.parsed_arguments, { city: "Rome" });
});

test("logprobs", async () => {
  const answer = await client.chat.completions.create({
    model,
    messages: saying("Hello"),
    logprobs: true,
    top_logprobs: 0,
  });

  assert.deepEqual(
    answer.choices[0].logprobs.content.map(({ token }) => token),
    ["You", " said:", " Hello"],
  );
});

test("reasoning is beside the content", async () => {
  const answer = await client.chat.completions.create({
    model: "thinker",
    messages: saying("Hello"),
    reasoning_effort: "low",
  });

  assert.equal(answer.choices[0].message.reasoning_content, "Let me think.");
  assert.equal(answer.choices[0].message.content, "You said: Hello");
  assert.equal(answer.usage.completion_tokens_details.reasoning_tokens, 1);
});

test("errors have their classes", async () => {
  const ask = (more, by = client) =>
    by.chat.completions.create({ model, messages: saying("Hello"), ...more });

  await assert.rejects(ask({ temperature: 3 }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.param, "temperature");
    assert.equal(error.code, "decimal_above_max_value");
    assert.match(error.requestID, /^req_/);
    return true;
  });
  await assert.rejects(ask({ model: "nonesuch" }), NotFoundError);
  await assert.rejects(ask({ model: "nonesuch", stream: true }), NotFoundError);
  await assert.rejects(ask({ messages: saying("Fail: busy") }), RateLimitError);
  await assert.rejects(
    ask({}, new OpenAI({ apiKey: "wrong", maxRetries: 0 })),
    AuthenticationError,
  );
  await assert.rejects(
    ask({}, new OpenAI({ baseURL: "http://127.0.0.1:1/v1", maxRetries: 0 })),
    APIConnectionError,
  );
});

test("a failure inside a stream is thrown", async () => {
  const asked = { model, messages: saying("Fail: midway"), stream: true };
  const stream = await client.chat.completions.create(asked);

  await assert.rejects(all(stream), (error) => {
    assert.ok(error instanceof APIError);
    assert.equal(error.code, "upstream_truncated");
    return true;
  });
  await assert.rejects(client.chat.completions.stream(asked).finalChatCompletion(), APIError);
});

test("a stream can be left", async () => {
  const stream = client.chat.completions.stream({ model, messages: saying("Hello") });
  stream.abort();

  await assert.rejects(stream.finalChatCompletion(), APIUserAbortError);
});

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
