// Vercel's AI SDK in its default mode, which is Responses.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createOpenAI } from "@ai-sdk/openai";
import {
  APICallError,
  generateObject,
  generateText,
  Output,
  stepCountIs,
  streamObject,
  streamText,
  tool,
} from "ai";
import { z } from "zod";

const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL } = process.env;
const sent = [];
const openai = createOpenAI({
  apiKey,
  baseURL,
  fetch: (url, options) => {
    sent.push(JSON.parse(options.body));
    return fetch(url, options);
  },
});
const model = openai("scripted");
const maxRetries = 0;
const GIF = "R0lGODlhAQABAAAAACw=";
const City = z.object({ name: z.string(), inhabitants: z.number() });
const CITY = "The city in Paris with 2 million";
const inputSchema = z.object({ city: z.string() });
const tools = {
  get_weather: tool({
    description: "Weather of a city",
    inputSchema,
    execute: async ({ city }) => `sunny in ${city}`,
  }),
  get_time: tool({
    description: "Time in a city",
    inputSchema,
    execute: async ({ city }) => `noon in ${city}`,
  }),
};
const ROME = { city: "Rome" };
const TWO = "get_weather and get_time, please, in Rome";
const stopWhen = stepCountIs(3);
// The provider only knows OpenAI's models to think.
const thinking = {
  model: openai("thinker"),
  providerOptions: { openai: { forceReasoning: true, reasoningSummary: "auto" } },
};

test("generateText", async () => {
  const { text, usage, finishReason, response } = await generateText({
    model,
    system: "Be kind.",
    prompt: "Hello",
  });

  assert.equal(text, "You said: Hello");
  assert.equal(finishReason, "stop");
  assert.deepEqual([usage.inputTokens, usage.outputTokens], [3, 3]);
  assert.match(response.id, /^resp_/);
});

test("streamText", async () => {
  const result = streamText({ model, prompt: "Hello" });
  const deltas = [];
  for await (const delta of result.textStream) deltas.push(delta);

  assert.equal(deltas.join(""), "You said: Hello");
  assert.ok(deltas.length > 1);
  assert.equal((await result.usage).outputTokens, 3);
  assert.equal(await result.finishReason, "stop");
});

test("tools", async () => {
  const { text, steps } = await generateText({ model, tools, stopWhen, prompt: TWO });

  assert.equal(steps.length, 2);
  assert.equal(text, "The tool says: noon in Rome");
  assert.deepEqual(
    steps[0].toolCalls.map(({ toolName, input }) => [toolName, input]),
    [
      ["get_weather", ROME],
      ["get_time", ROME],
    ],
  );
});

test("streamed tools", async () => {
  const result = streamText({ model, tools, stopWhen, prompt: TWO });
  const inputs = [];
  for await (const part of result.fullStream) {
    if (part.type === "tool-input-delta") inputs.push(part.delta);
  }

  assert.equal(await result.text, "The tool says: noon in Rome");
  assert.equal((await result.steps)[0].toolCalls.length, 2);
  assert.deepEqual(JSON.parse(`[${inputs.join("").replace("}{", "},{")}]`), [ROME, ROME]);
});

test("a tool that must be called", async () => {
  const { toolCalls, finishReason } = await generateText({
    model,
    tools,
    toolChoice: { type: "tool", toolName: "get_time" },
    prompt: "How is it in Rome?",
  });

  assert.deepEqual(toolCalls.map(({ input }) => input), [ROME]);
  assert.equal(finishReason, "tool-calls");
});

test("a tool without a schema", async () => {
  const shell = openai.tools.customTool({
    name: "shell",
    description: "A shell.",
    execute: async (input) => `${input}: fine`,
  });
  const asked = { model, tools: { shell }, stopWhen, prompt: "Run 'ls'" };
  const whole = await generateText(asked);
  const streamed = streamText(asked);

  assert.equal(whole.text, "The tool says: ls: fine");
  assert.equal(await streamed.text, "The tool says: ls: fine");
  // The call is named by its id when its output is sent.
  assert.equal(sent.at(-1).input.at(-2).type, "item_reference");
  assert.equal(sent.at(-1).input.at(-1).type, "custom_tool_call_output");
});

test("turns that name what was said before", async () => {
  const messages = [{ role: "user", content: TWO }];
  const first = await generateText({ model, tools, stopWhen, messages });
  messages.push(...first.response.messages, { role: "user", content: "Thanks." });
  const second = await generateText({ model, messages });

  assert.equal(second.text, "You said: Thanks.");
  assert.deepEqual(
    sent.at(-1).input.map(({ type, role }) => type ?? role),
    [
      "user",
      ...Array(2).fill("function_call"),
      ...Array(2).fill("function_call_output"),
      "item_reference",
      "user",
    ],
  );
  // The words of both questions, of both outputs, and of the answer that was named.
  assert.equal(second.usage.inputTokens, 6 + 6 + 6 + 1);
});

test("turns that name thoughts", async () => {
  const messages = [{ role: "user", content: "Hello" }];
  const first = await generateText({ ...thinking, messages });
  messages.push(...first.response.messages, { role: "user", content: "And now?" });
  const second = await generateText({ ...thinking, messages });

  assert.equal(first.reasoningText, "Let me think.");
  assert.equal(second.text, "You said: And now?");
  const named = sent.at(-1).input.filter(({ type }) => type === "item_reference");
  assert.deepEqual(named.map(({ id }) => id.slice(0, 3)), ["rs_", "msg"]);
});

test("turns of which nothing is kept", async () => {
  const openai = { store: false, forceReasoning: true, reasoningSummary: "auto" };
  const asked = { model: thinking.model, providerOptions: { openai } };
  const messages = [{ role: "user", content: "Hello" }];
  const first = await generateText({ ...asked, messages });
  messages.push(...first.response.messages, { role: "user", content: "And now?" });
  const second = await generateText({ ...asked, messages });

  assert.equal(second.text, "You said: And now?");
  assert.deepEqual(sent.at(-1).include, ["reasoning.encrypted_content"]);
  assert.ok(sent.at(-1).input.some((item) => item.encrypted_content));
});

test("a turn after another by its id", async () => {
  const first = await generateText({ model, prompt: "Hello" });
  const openai = { previousResponseId: first.providerMetadata.openai.responseId };
  const second = await generateText({ model, prompt: "Thanks.", providerOptions: { openai } });

  assert.equal(second.text, "You said: Thanks.");
  assert.equal(second.usage.inputTokens, 5);
});

test("streamed thoughts", async () => {
  const result = streamText({ ...thinking, prompt: "Hello" });

  assert.equal(await result.reasoningText, "Let me think.");
  assert.equal(await result.text, "You said: Hello");
  assert.equal((await result.usage).outputTokenDetails.reasoningTokens, 1);
});

test("generateObject", async () => {
  const { object } = await generateObject({ model, schema: City, prompt: CITY });

  assert.deepEqual(object, { name: "Paris", inhabitants: 2 });
});

test("streamObject", async () => {
  const result = streamObject({ model, schema: City, prompt: CITY });
  const partial = [];
  for await (const object of result.partialObjectStream) partial.push(object);

  assert.ok(partial.length > 1);
  assert.deepEqual(await result.object, { name: "Paris", inhabitants: 2 });
});

test("an output beside tools", async () => {
  const { output } = await generateText({
    model,
    tools,
    output: Output.object({ schema: City }),
    prompt: "How is it in Rome with its 3 million?",
    stopWhen,
  });

  assert.deepEqual(output, { name: "Rome", inhabitants: 3 });
});

test("images", async () => {
  const content = [
    { type: "text", text: "What is this?" },
    { type: "image", image: GIF, mediaType: "image/gif" },
  ];
  const { text } = await generateText({ model, messages: [{ role: "user", content }] });

  assert.equal(text, "You said: What is this? I see an image.");
});

test("logprobs", async () => {
  const asked = { model, prompt: "Hello", providerOptions: { openai: { logprobs: true } } };
  const whole = await generateText(asked);
  const streamed = streamText(asked);

  const tokens = ({ openai }) => openai.logprobs.flat().map(({ token }) => token);
  assert.deepEqual(tokens(whole.providerMetadata), ["You", " said:", " Hello"]);
  assert.deepEqual(tokens(await streamed.providerMetadata), ["You", " said:", " Hello"]);
});

test("failures", async () => {
  const ask = (prompt, by = model) => generateText({ model: by, prompt, maxRetries });

  await assert.rejects(ask("Hello", openai("nonesuch")), (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 404);
    assert.equal(error.data.error.code, "model_not_found");
    return true;
  });
  await assert.rejects(ask("Fail: busy"), (error) => {
    assert.equal(error.statusCode, 429);
    assert.equal(error.isRetryable, true);
    return true;
  });
  await assert.rejects(ask("Fail: midway"), (error) => error.statusCode === 502);
});

test("a failure inside a stream", async () => {
  const errors = [];
  const result = streamText({
    model,
    prompt: "Fail: midway",
    maxRetries,
    onError: ({ error }) => errors.push(error),
  });
  await result.consumeStream();

  assert.equal(errors.length, 1);
  assert.match(JSON.stringify(errors[0].message ?? errors[0]), /broke off/);
});

test("an answer that is cut", async () => {
  const { finishReason } = await generateText({
    model,
    prompt: "word ".repeat(40),
    maxOutputTokens: 16,
  });

  assert.equal(finishReason, "length");
});
