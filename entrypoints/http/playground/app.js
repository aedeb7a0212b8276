// The page: what it asks for, what it shows, what its buttons do.

import { Answer, copyButton, errorCard } from "/playground/answer.js";
import { Failure, chat, key, models } from "/playground/client.js";
import { element } from "/playground/markdown.js";
import * as snippets from "/playground/snippets.js";

const at = (id) => document.getElementById(id);
const [log, scroller, prompt, status] = ["log", "scroller", "prompt", "status"].map(at);
const wide = matchMedia("(min-width: 60rem)");

const EXAMPLE_TOOLS = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather in a city.",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

let history = [];
let listed = [];
let running = null;
// Calls of the last answer that wait for results: their ids and the fields to write them into.
let pending = [];
let afterKey = null;
// What the option of the default model says: its name, once an answer has told it.
let unnamed = "Default model";

// -- what is asked

function body(messages) {
  const system = at("system").value.trim();
  const asked = { messages: [...(system ? [{ role: "system", content: system }] : []), ...messages] };
  if (at("model").value) asked.model = at("model").value;
  const temperature = figure("temperature");
  const most = figure("max-tokens");
  if (temperature !== null) asked.temperature = temperature;
  if (most !== null) asked.max_completion_tokens = most;
  if (!at("thinking").hidden && at("effort").value) asked.reasoning_effort = at("effort").value;
  const tools = definitions();
  if (tools.length) asked.tools = tools;
  return { ...asked, stream: true, stream_options: { include_usage: true } };
}

function figure(id) {
  const field = at(id);
  if (!field.validity.valid) {
    throw new Failure(`${field.labels[0].textContent}: ${field.validationMessage}`);
  }
  return field.value === "" ? null : field.valueAsNumber;
}

function definitions() {
  const written = at("tools").value.trim();
  let tools = [];
  try {
    tools = written ? JSON.parse(written) : [];
    if (!Array.isArray(tools)) throw new Error("an array is needed");
  } catch (error) {
    throw new Failure(`The definitions of tools are no JSON array: ${error.message}.`);
  }
  return tools;
}

function checkTools() {
  let fault = "";
  try {
    definitions();
  } catch (error) {
    fault = error.message;
  }
  at("tools-fault").textContent = fault;
  at("tools").classList.toggle("wrong", fault !== "");
}

// -- a conversation

// Results of tools that were not given count as empty: every call needs one.
function answered() {
  return pending.map(({ id, field }) => ({ role: "tool", tool_call_id: id, content: field.value }));
}

function draft() {
  const text = prompt.value.trim();
  return [...answered(), ...(text ? [{ role: "user", content: text }] : [])];
}

function send() {
  const more = draft();
  if (running || !more.length) return;
  for (const { field } of pending) {
    const label = element("span", { class: "label" }, field.labels[0].textContent);
    field.labels[0].replaceWith(label);
    field.replaceWith(element("pre", { tabindex: "0" }, field.value || "(empty)"));
  }
  log.querySelector(".results")?.remove();
  pending = [];
  history.push(...more);
  const said = more.at(-1);
  if (said.role === "user") {
    const bubble = element("div", { class: "body" }, said.content);
    log.append(element("article", { class: "turn user", "aria-label": "You" }, bubble));
  }
  prompt.value = "";
  grow();
  run();
}

async function run() {
  const answer = new Answer(follow);
  const stopping = new AbortController();
  running = stopping;
  at("notice").replaceChildren();
  log.append(answer.node);
  show();
  scroller.scrollTop = scroller.scrollHeight;
  status.textContent = "Answering…";
  let failure = null;
  try {
    for await (const chunk of chat(body(history), stopping.signal, (headers) => ignored(answer, headers))) {
      answer.feed(chunk);
    }
  } catch (error) {
    failure = error;
  }
  if (running !== stopping) return; // A new chat has begun meanwhile.
  running = null;
  const stopped = stopping.signal.aborted;
  stopping.abort(); // After a failure there may be more to come, which nobody reads.
  conclude(answer, failure, stopped);
  show();
}

function conclude(answer, failure, stopped) {
  answer.end(stopped ? "Stopped." : null);
  if (answer.model && !at("model").value) {
    unnamed = `Default: ${answer.model}`;
    at("model").selectedOptions[0].text = unnamed;
  }
  if (failure && !stopped) {
    status.textContent = "No answer.";
    answer.meta.before(errorCard(failure, () => again(answer)));
    follow();
    if (failure.status === 401) askForKey(refusal(failure), () => again(answer));
    if (!(failure instanceof Failure)) console.error(failure);
    return;
  }
  status.textContent = stopped ? "Stopped." : "Answered.";
  if (stopped) answer.calls = []; // Their arguments may be half.
  if (!answer.empty) history.push(answer.message());
  else if (!stopped) answer.note("The model said nothing.");
  if (answer.calls.length) askForResults(answer);
}

function again(answer) {
  if (running) return;
  answer.node.remove();
  run();
}

function ignored(answer, headers) {
  const names = headers.get("x-ignored-parameters");
  if (names) answer.note(`This model ignored: ${names}.`);
}

function askForResults(answer) {
  pending = answer.calls.map((call, index) => {
    const id = `result-${history.length}-${index}`;
    const field = element("textarea", { id, rows: "2", placeholder: "What the tool returns" });
    call.node.append(element("label", { for: id }, `Result of ${call.name}`), field);
    return { id: call.id, field };
  });
  const button = element("button", { type: "button", class: "strong" }, "Send the results");
  button.addEventListener("click", send);
  answer.meta.before(element("p", { class: "results" }, button));
  follow();
}

function clear() {
  running?.abort();
  [history, pending, running, afterKey] = [[], [], null, null];
  log.replaceChildren();
  at("notice").replaceChildren();
  status.textContent = "New chat.";
  show();
  prompt.focus();
}

// -- what is shown

let follows = true;
scroller.addEventListener("scroll", () => {
  follows = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
});

function follow() {
  if (follows) scroller.scrollTop = scroller.scrollHeight;
}

function show() {
  const focused = document.activeElement;
  at("empty").hidden = log.childElementCount > 0;
  at("send").hidden = running !== null;
  at("stop").hidden = running === null;
  at("send").disabled = !draft().length;
  // The button that had the focus is gone.
  if ((focused === at("send") && at("send").hidden) || (focused === at("stop") && at("stop").hidden)) {
    prompt.focus();
  }
}

function grow() {
  prompt.style.height = "auto";
  prompt.style.height = `${Math.min(prompt.scrollHeight, 192)}px`;
  at("send").disabled = !draft().length;
}

// -- models

async function load() {
  const select = at("model");
  const wanted = select.value;
  try {
    listed = (await models()).filter((it) => it.capabilities?.includes("completion") ?? true);
  } catch (failure) {
    select.replaceChildren(element("option", { value: "" }, unnamed));
    select.disabled = false;
    at("notice").replaceChildren(errorCard(failure, load));
    if (failure.status === 401) askForKey(refusal(failure), load);
    return;
  }
  const option = (it) => element("option", { value: it.id }, it.alias_of ? `${it.id} → ${it.alias_of}` : it.id);
  select.replaceChildren(element("option", { value: "" }, unnamed), ...listed.map(option));
  if (listed.some((it) => it.id === wanted)) select.value = wanted;
  select.disabled = false;
  at("notice").replaceChildren();
  about();
}

function about() {
  const model = listed.find((it) => it.id === at("model").value);
  const can = model?.capabilities?.filter((it) => it !== "completion" && it !== "embedding") ?? [];
  const facts = [
    model?.parameter_size,
    model?.quantization,
    model?.context_length && `${model.context_length.toLocaleString("en")} tokens of context`,
    can.length && can.join(", "),
  ].filter(Boolean);
  at("about").textContent = facts.join(" · ");
  // The default's abilities are not known here: offering too much is told by the server.
  at("thinking").hidden = Boolean(model?.capabilities && !can.includes("thinking"));
}

// -- the key

const refusal = (failure) => (key.get() ? failure.message : "This server asks for a key.");

function askForKey(fault, then) {
  afterKey = then;
  at("forget-key").hidden = !key.get();
  at("key-fault").textContent = fault;
  at("key-value").value = "";
  if (!at("key").open) at("key").showModal();
}

function keep(value) {
  key.set(value);
  at("show-key").classList.toggle("held", value !== "");
  at("show-key").setAttribute("aria-label", value ? "API key (entered)" : "API key");
}

async function useKey(event) {
  event.preventDefault();
  const value = at("key-value").value.trim();
  if (!value) {
    at("key-fault").textContent = "Enter the key, or close this.";
    at("key-value").focus();
    return;
  }
  keep(value);
  const then = afterKey;
  afterKey = null;
  at("key").close();
  prompt.focus();
  if (then !== load) await load();
  await then?.();
}

// -- code

function drawCode() {
  const which = at("tab-python").getAttribute("aria-selected") === "true" ? snippets.python : snippets.curl;
  try {
    const more = draft();
    const messages = [...history, ...more];
    if (!messages.length) messages.push({ role: "user", content: "Hello!" });
    at("snippet").textContent = which(body(messages), location.origin, key.get() !== "");
  } catch (failure) {
    at("snippet").textContent = failure.message;
  }
}

function choose(tab) {
  for (const one of document.querySelectorAll("[role=tab]")) {
    one.setAttribute("aria-selected", String(one === tab));
    one.tabIndex = one === tab ? 0 : -1;
  }
  at("snippet").setAttribute("aria-labelledby", tab.id);
  drawCode();
}

// -- settings and theme

function settings(open) {
  at("settings").hidden = !open;
  at("show-settings").setAttribute("aria-expanded", String(open));
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function theme(chosen) {
  if (chosen) {
    document.documentElement.dataset.theme = chosen;
    localStorage.setItem("playground-theme", chosen);
  }
  at("theme").setAttribute("aria-pressed", String(isDark()));
}

// -- wiring

at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
prompt.addEventListener("input", grow);
prompt.addEventListener("keydown", (event) => {
  // While characters are composed, Enter is the input method's.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (running) running.abort();
  else if (!wide.matches && !at("settings").hidden) {
    settings(false);
    at("show-settings").focus();
  }
});
at("stop").addEventListener("click", () => running?.abort());
at("new-chat").addEventListener("click", clear);
for (const button of document.querySelectorAll(".starters button")) {
  button.addEventListener("click", () => {
    prompt.value = button.textContent;
    send();
    prompt.focus();
  });
}
at("model").addEventListener("change", about);
at("tools").addEventListener("input", checkTools);
at("example-tool").addEventListener("click", () => {
  at("tools").value = JSON.stringify(EXAMPLE_TOOLS, null, 2);
  checkTools();
});

at("show-settings").addEventListener("click", () => {
  settings(at("settings").hidden);
  if (!wide.matches && !at("settings").hidden) at("hide-settings").focus();
});
at("hide-settings").addEventListener("click", () => {
  settings(false);
  at("show-settings").focus();
});
at("theme").addEventListener("click", () => theme(isDark() ? "light" : "dark"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme());

at("show-code").addEventListener("click", () => {
  drawCode();
  at("code").showModal();
});
const tabs = [...document.querySelectorAll("[role=tab]")];
for (const tab of tabs) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = tabs[1 - tabs.indexOf(tab)];
    choose(other);
    other.focus();
  });
}
const copyCode = copyButton(() => at("snippet").textContent);
copyCode.id = "copy-code";
at("copy-code").replaceWith(copyCode);

at("show-key").addEventListener("click", () => askForKey("", null));
at("key-form").addEventListener("submit", useKey);
at("forget-key").addEventListener("click", () => {
  keep("");
  at("key").close();
  status.textContent = "The key is forgotten.";
});
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

theme(localStorage.getItem("playground-theme"));
settings(wide.matches);
keep(key.get());
show();
load();
