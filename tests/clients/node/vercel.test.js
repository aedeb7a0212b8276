// Vercel's AI SDK on Chat Completions, through both of its providers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
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
const openai = createOpenAI({ apiKey, baseURL });
const compatible = createOpenAICompatible({
  name: "local",
  apiKey,
  baseURL,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const providers = {
  "@ai-sdk/openai": (name) => openai.chat(name),
  "@ai-sdk/openai-compatible": (name) => compatible(name),
};
const GIF = "R0lGODlhAQABAAAAACw=";
const City = z.object({ name: z.string(), inhabitants: z.number() });
const CITY = "The city in Paris with 2 million";
const tools = {
  get_weather: tool({
    description: "Weather of a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `sunny in ${city}`,
  }),
};

for (const [name, of] of Object.entries(providers)) {
  const model = of("scripted");
  const maxRetries = 0;

  test(`${name}: generateText`, async () => {
    const { text, usage, finishReason } = await generateText({ model, prompt: "Hello" });

    assert.equal(text, "You said: Hello");
    assert.equal(finishReason, "stop");
    assert.deepEqual([usage.inputTokens, usage.outputTokens], [1, 3]);
  });

  test(`${name}: streamText`, async () => {
    const result = streamText({ model, prompt: "Hello" });
    const deltas = [];
    for await (const delta of result.textStream) deltas.push(delta);

    assert.equal(deltas.join(""), "You said: Hello");
    assert.ok(deltas.length > 1);
    assert.equal((await result.usage).outputTokens, 3);
    assert.equal(await result.finishReason, "stop");
  });

  test(`${name}: tools`, async () => {
    const { text, steps } = await generateText({
      model,
      tools,
      prompt: "How is it in Rome?",
      stopWhen: stepCountIs(3),
    });

    assert.equal(steps.length, 2);
    assert.match(text, /^The tool says: .*sunny in Rome/);
  });

  test(`${name}: streamed tools`, async () => {
    const result = streamText({
      model,
      tools,
      prompt: "How is it in Rome?",
      stopWhen: stepCountIs(3),
    });

    assert.match(await result.text, /^The tool says: .*sunny in Rome/);
    assert.deepEqual((await result.steps)[0].toolCalls[0].input, { city: "Rome" });
  });

  test(`${name}: a tool that must be called`, async () => {
    const { toolCalls, finishReason } = await generateText({
      model,
      tools,
      toolChoice: { type: "tool", toolName: "get_weather" },
      prompt: "How is it in Rome?",
    });

    assert.deepEqual(toolCalls.map(({ input }) => input), [{ city: "Rome" }]);
    assert.equal(finishReason, "tool-calls");
  });

  test(`${name}: generateObject`, async () => {
    const { object } = await generateObject({ model, schema: City, prompt: CITY });

    assert.deepEqual(object, { name: "Paris", inhabitants: 2 });
  });

  test(`${name}: streamObject`, async () => {
    const result = streamObject({ model, schema: City, prompt: CITY });
    const partial = [];
    for await (const object of result.partialObjectStream) partial.push(object);

    assert.ok(partial.length > 1);
    assert.deepEqual(await result.object, { name: "Paris", inhabitants: 2 });
  });

  test(`${name}: an output beside tools`, async () => {
    const { output } = await generateText({
      model,
      tools,
      output: Output.object({ schema: City }),
      prompt: "How is it in Rome with its 3 million?",
      stopWhen: stepCountIs(3),
    });

    assert.deepEqual(output, { name: "Rome", inhabitants: 3 });
  });

  test(`${name}: images`, async () => {
    const { text } = await generateText({
      model,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "image", image: GIF, mediaType: "image/gif" },
          ],
        },
      ],
    });

    assert.equal(text, "You said: What is this? I see an image.");
  });

  test(`${name}: failures`, async () => {
    const ask = (prompt, by = model) => generateText({ model: by, prompt, maxRetries });

    await assert.rejects(ask("Hello", of("nonesuch")), (error) => {
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

  test(`${name}: a failure inside a stream`, async () => {
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
}

test("@ai-sdk/openai-compatible: reasoning", async () => {
  const model = compatible("thinker");
  const whole = await generateText({ model, prompt: "Hello" });
  const streamed = streamText({ model, prompt: "Hello" });

  assert.equal(whole.reasoningText, "Let me think.");
  assert.equal(await streamed.reasoningText, "Let me think.");
  assert.equal(await streamed.text, "You said: Hello");
  assert.equal((await streamed.usage).outputTokenDetails.reasoningTokens, 1);
});
