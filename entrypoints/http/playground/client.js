// The API of this server, and of no other.

const KEY = "playground-key";

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)),
};

// What went wrong, as the server told it.
export class Failure extends Error {
  constructor(message, { status = null, code = null, requestId = null } = {}) {
    super(message);
    Object.assign(this, { status, code, requestId });
  }
}

async function ask(path, init = {}) {
  const headers = { ...init.headers };
  if (key.get()) headers.authorization = `Bearer ${key.get()}`;
  let response;
  try {
    response = await fetch(path, { ...init, headers, credentials: "omit", redirect: "error" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    // A key with letters that no header can carry is refused before anything is sent.
    throw new Failure(`The server could not be asked: ${error.message}.`);
  }
  if (response.ok) return response;
  const facts = { status: response.status, requestId: response.headers.get("x-request-id") };
  const text = await response.text();
  let told = null;
  try {
    told = JSON.parse(text).error;
  } catch {
    // Not ours: a proxy's own page, say.
  }
  throw new Failure(told?.message ?? (text.slice(0, 300) || response.statusText), {
    ...facts,
    code: told?.code ?? null,
  });
}

export async function models() {
  return (await (await ask("/v1/models")).json()).data;
}

// Yields the chunks of an answer as they come; `opened` gets the response's headers.
export async function* chat(body, signal, opened) {
  const response = await ask("/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  opened(response.headers);
  const requestId = response.headers.get("x-request-id");
  for await (const data of records(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Failure(chunk.error.message, { code: chunk.error.code, requestId });
    yield chunk;
  }
  throw new Failure("The connection ended before the answer was complete.", { requestId });
}

// Yields the data of each record of an event stream whose records have one line each.
async function* records(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let step;
    try {
      step = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Failure("The connection was lost before the answer was complete.");
    }
    if (step.done) return;
    const lines = (rest + step.value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice(6);
  }
}
