// The official Node client on Responses.
import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
} from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

// Address and key come from the environment.
const client = new OpenAI({ maxRetries: 0 });
const model = "scripted";
const City = z.object({ name: z.string(), inhabitants: z.number().int() });
const CITY = "The city in Paris with 2 million";
const weather = zodResponsesFunction({
  name: "get_weather",
  description: "Weather of a city",
  parameters: z.object({ city: z.string() }),
});
const time = zodResponsesFunction({
  name: "get_time",
  description: "Time in a city",
  parameters: z.object({ city: z.string() }),
});
const ROME = "get_weather and get_time, please, in Rome";

test("a whole answer", async () => {
  const { data, response, request_id } = await client.responses
    .create({ model, input: "Hello", instructions: "Be kind." })
    .withResponse();

  assert.equal(data.output_text, "You said: Hello");
  assert.equal(data.status, "completed");
  assert.equal(data.instructions, "Be kind.");
  assert.deepEqual([data.usage.input_tokens, data.usage.output_tokens], [3, 3]);
  assert.equal(request_id, response.headers.get("x-request-id"));
});

test("a stream", async () => {
  const stream = await client.responses.create({ model, input: "Hello", stream: true });
  const events = await all(stream);

  const deltas = events.filter(({ type }) => type === "response.output_text.delta");
  assert.equal(deltas.map(({ delta }) => delta).join(""), "You said: Hello");
  assert.ok(deltas.length > 1);
  assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
  assert.equal(events.at(-1).type, "response.completed");
  assert.equal(events.at(-1).response.usage.total_tokens, 4);
});

test("the stream helper: events and the whole answer", async () => {
  const snapshots = [];
  const stream = client.responses
    .stream({ model: "thinker", input: "Hello", reasoning: { effort: "low", summary: "auto" } })
    .on("response.output_text.delta", ({ snapshot }) => snapshots.push(snapshot));
  const answer = await stream.finalResponse();

  assert.equal(snapshots.at(-1), "You said: Hello");
  assert.ok(snapshots.length > 1);
  assert.equal(answer.output_text, "You said: Hello");
  assert.deepEqual(answer.output.map(({ type }) => type), ["reasoning", "message"]);
  assert.equal(answer.output[0].summary[0].text, "Let me think.");
  assert.equal(answer.usage.output_tokens_details.reasoning_tokens, 1);
});

test("the stream helper: two calls", async () => {
  const done = [];
  const stream = client.responses
    .stream({ model, input: ROME, tools: [weather, time] })
    .on("response.function_call_arguments.done", ({ arguments: it }) => done.push(JSON.parse(it)));
  const answer = await stream.finalResponse();

  assert.deepEqual(done, [{ city: "Rome" }, { city: "Rome" }]);
  assert.deepEqual(answer.output.map(({ name }) => name), ["get_weather", "get_time"]);
  assert.deepEqual(answer.output[0].parsed_arguments, { city: "Rome" });
});

test("tools go round, with the history sent again", async () => {
  const tools = [weather, time];
  const input = [{ role: "user", content: ROME }];
  const first = await client.responses.create({ model, input, tools });
  input.push(...first.output, ...outputs(first));
  const second = await client.responses.create({ model, input, tools });

  assert.equal(second.output_text, "The tool says: get_time: fine");
});

test("tools go round, by the id of the response", async () => {
  const tools = [weather, time];
  const first = await client.responses.create({ model, input: ROME, tools });
  const second = await client.responses.create({
    model,
    input: outputs(first),
    previous_response_id: first.id,
  });

  assert.equal(second.output_text, "The tool says: get_time: fine");
  assert.equal(second.previous_response_id, first.id);
});

test("a tool that must be called, with zod", async () => {
  const answer = await client.responses.parse({
    model,
    input: "How is it in Rome?",
    tools: [weather, time],
    tool_choice: { type: "function", name: "get_time" },
  });

  const [call] = answer.output;
  assert.equal(call.name, "get_time");
  assert.deepEqual(call.parsed_arguments, { city: "Rome" });
});

test("a custom tool", async () => {
  const answer = await client.responses.create({
    model,
    input: "Run 'ls'",
    tools: [{ type: "custom", name: "shell", description: "A shell." }],
  });

  const [{ type, name, input }] = answer.output;
  assert.deepEqual([type, name, input], ["custom_tool_call", "shell", "ls"]);
});

test("parse with zod", async () => {
  const answer = await client.responses.parse({
    model,
    input: CITY,
    text: { format: zodTextFormat(City, "city") },
  });

  assert.deepEqual(answer.output_parsed, { name: "Paris", inhabitants: 2 });
});

test("parse a stream with zod", async () => {
  const stream = client.responses.stream({
    model,
    input: CITY,
    text: { format: zodTextFormat(City, "city") },
  });
  const answer = await stream.finalResponse();

  assert.deepEqual(answer.output_parsed, { name: "Paris", inhabitants: 2 });
});

test("an answer that is cut", async () => {
  const input = "word ".repeat(40);
  const whole = await client.responses.create({ model, input, max_output_tokens: 16 });
  const streamed = client.responses.stream({ model, input, max_output_tokens: 16 });

  assert.equal(whole.status, "incomplete");
  assert.equal(whole.incomplete_details.reason, "max_output_tokens");
  assert.equal((await streamed.finalResponse()).status, "incomplete");
});

test("logprobs", async () => {
  const answer = await client.responses.create({
    model,
    input: "Hello",
    include: ["message.output_text.logprobs"],
  });

  const tokens = answer.output[0].content[0].logprobs.map(({ token }) => token);
  assert.deepEqual(tokens, ["You", " said:", " Hello"]);
});

test("images", async () => {
  const image_url = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
  const content = [
    { type: "input_text", text: "What is this?" },
    { type: "input_image", image_url },
  ];
  const answer = await client.responses.create({ model, input: [{ role: "user", content }] });

  assert.equal(answer.output_text, "You said: What is this? I see an image.");
});

test("what is kept is retrieved and deleted", async () => {
  const metadata = { a: "b" };
  const made = await client.responses.create({ model, input: "Hello", metadata });
  const kept = await client.responses.retrieve(made.id);

  assert.deepEqual(kept, made);
  await client.responses.delete(made.id);
  await assert.rejects(client.responses.retrieve(made.id), NotFoundError);
  await assert.rejects(client.responses.delete(made.id), NotFoundError);
});

test("what is made in the background is polled, streamed again and cancelled", async () => {
  const made = await client.responses.create({ model, input: "Hello", background: true });
  const events = await all(await client.responses.retrieve(made.id, { stream: true }));
  const rest = { stream: true, starting_after: 3 };
  const after = await all(await client.responses.retrieve(made.id, rest));
  const helped = await client.responses.stream({ response_id: made.id }).finalResponse();

  assert.equal(made.status, "queued");
  assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
  assert.deepEqual(after, events.slice(4));
  assert.equal(helped.output_text, "You said: Hello");
  assert.equal((await client.responses.retrieve(made.id)).status, "completed");
  assert.equal((await client.responses.cancel(made.id)).status, "completed");
});

test("the input is listed, page by page", async () => {
  const first = await client.responses.create({ model, input: "One" });
  const asked = { model, input: "Two", previous_response_id: first.id };
  const second = await client.responses.create(asked);
  const items = await all(client.responses.inputItems.list(second.id, { limit: 2 }));

  const texts = items.map(({ content: [part] }) => part.text);
  assert.deepEqual(texts, ["Two", "You said: One", "One"]);
});

test("a conversation goes on", async () => {
  const { id } = await client.conversations.create({ metadata: { topic: "tea" } });
  await client.responses.create({ model, input: "One", conversation: id });
  const second = await client.responses
    .stream({ model, input: "Two", conversation: id })
    .finalResponse();
  const items = await all(client.conversations.items.list(id, { order: "asc", limit: 3 }));

  assert.equal(second.usage.input_tokens, 5);
  assert.equal(second.conversation.id, id);
  assert.deepEqual(
    items.map(({ content: [part] }) => part.text),
    ["One", "You said: One", "Two", "You said: Two"],
  );
  assert.ok((await client.conversations.delete(id)).deleted);
  await assert.rejects(client.conversations.retrieve(id), NotFoundError);
});

test("a context is counted and made short", async () => {
  const first = await client.responses.create({ model, input: "Hello" });
  const counted = await client.responses.inputTokens.count({
    model,
    input: "And now?",
    previous_response_id: first.id,
  });
  const { output } = await client.responses.compact({ model, previous_response_id: first.id });
  const input = [...output, { role: "user", content: "And now?" }];
  const second = await client.responses.create({ model, input });

  assert.equal(counted.input_tokens, 6);
  assert.deepEqual(output.map(({ type }) => type), ["compaction"]);
  assert.equal(second.output_text, "You said: And now?");
});

test("what is not kept is thought on with what the client keeps", async () => {
  const asked = { model: "thinker", store: false, include: ["reasoning.encrypted_content"] };
  const input = [{ role: "user", content: "Hello" }];
  const first = await client.responses.create({ ...asked, input });
  input.push(...first.output, { role: "user", content: "And now?" });
  const second = await client.responses.create({ ...asked, input });

  assert.ok(first.output[0].encrypted_content);
  assert.equal(second.output_text, "You said: And now?");
  await assert.rejects(client.responses.retrieve(first.id), NotFoundError);
});

test("turns over a WebSocket, of which nothing is kept", async () => {
  const socket = new ResponsesWS(client);
  const turn = async (asked) => {
    socket.send({ type: "response.create", model, store: false, ...asked });
    for await (const { type, message } of socket.stream()) {
      if (type === "error") throw message;
      if (message?.type === "response.completed") return message.response;
    }
  };
  const first = await turn({ input: ROME, tools: [weather, time] });
  const second = await turn({ input: outputs(first), previous_response_id: first.id });
  socket.close();

  assert.deepEqual(first.output.map(({ name }) => name), ["get_weather", "get_time"]);
  assert.match(second.output[0].content[0].text, /^The tool says: get_time: fine/);
});

test("errors have their classes", async () => {
  const ask = (more, by = client) => by.responses.create({ model, input: "Hello", ...more });

  await assert.rejects(ask({ temperature: 3 }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.param, "temperature");
    assert.equal(error.code, "decimal_above_max_value");
    return true;
  });
  await assert.rejects(ask({ previous_response_id: "resp_none" }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.code, "previous_response_not_found");
    return true;
  });
  await assert.rejects(ask({ tools: [{ type: "web_search" }] }), (error) => {
    assert.equal(error.param, "tools[0].type");
    return true;
  });
  await assert.rejects(ask({ model: "nonesuch" }), NotFoundError);
  await assert.rejects(ask({ model: "nonesuch", stream: true }), NotFoundError);
  await assert.rejects(ask({ input: "Fail: busy", stream: true }), RateLimitError);
  await assert.rejects(
    ask({}, new OpenAI({ apiKey: "wrong", maxRetries: 0 })),
    AuthenticationError,
  );
});

test("a failure inside a stream ends it", async () => {
  const asked = { model, input: "Fail: midway", stream: true };
  const events = await all(await client.responses.create(asked));
  const answer = await client.responses.stream(asked).finalResponse();

  assert.equal(events.at(-1).type, "response.failed");
  assert.match(events.at(-1).response.error.message, /broke off/);
  assert.equal(answer.status, "failed");
});

test("a stream can be left", async () => {
  const stream = client.responses.stream({ model, input: "Hello" });
  stream.abort();

  await assert.rejects(stream.finalResponse(), APIUserAbortError);
});

function outputs({ output }) {
  return output.map(({ call_id, name }) => ({
    type: "function_call_output",
    call_id,
    output: `${name}: fine`,
  }));
}

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}
