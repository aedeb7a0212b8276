// One answer in the conversation, drawn while it comes.

import { Markdown, element } from "/playground/markdown.js";

export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers have no clipboard on plain HTTP from another machine.
  const field = element("textarea", { class: "unseen" });
  field.value = text;
  // Within an open dialog nothing outside of it can be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("The browser does not copy.");
}

export function copyButton(text, label = "Copy") {
  const button = element("button", { type: "button", class: "quiet" }, label);
  button.addEventListener("click", async () => {
    try {
      await copy(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied";
    }
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

export function errorCard(failure, retry) {
  const facts = [
    failure.status && `status ${failure.status}`,
    failure.code,
    failure.requestId && `request ${failure.requestId}`,
  ].filter(Boolean);
  const card = element("div", { class: "error", role: "alert" });
  card.append(element("strong", {}, "That did not work"), element("p", {}, failure.message));
  if (facts.length) card.append(element("p", { class: "facts" }, facts.join(" · ")));
  const button = element("button", { type: "button", class: "quiet" }, "Try again");
  button.addEventListener("click", retry);
  card.append(button);
  return card;
}

const number = (value, digits = 0) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

const ENDINGS = {
  length: "Cut at the most tokens that were allowed.",
  content_filter: "Withheld by a filter.",
};

export class Answer {
  constructor(onDraw) {
    this.text = "";
    this.reasoning = "";
    this.calls = [];
    this.finish = null;
    this.model = null;
    this.pieces = 0;
    this.usage = null;
    this.began = performance.now();
    this.first = null;
    this.last = null;
    this.onDraw = onDraw;
    this.frame = 0;

    this.body = element("div", { class: "body waiting" });
    this.meta = element("div", { class: "meta" });
    this.node = element("article", {
      class: "turn assistant",
      "aria-label": "Answer",
      "aria-busy": "true",
    });
    this.node.append(this.body, this.meta);
    this.markdown = new Markdown(this.body, (text) => copyButton(text));
  }

  feed(chunk) {
    this.model = chunk.model ?? this.model;
    this.usage = chunk.usage ?? this.usage;
    const choice = chunk.choices[0];
    if (!choice) return;
    this.finish = choice.finish_reason ?? this.finish;
    const { content, reasoning_content: thought, tool_calls: calls } = choice.delta;
    if (!(content || thought || calls)) return;
    this.last = performance.now();
    this.first ??= this.last;
    this.pieces += 1;
    this.text += content ?? "";
    this.reasoning += thought ?? "";
    for (const call of calls ?? []) this.#call(call);
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  #call({ index, id, function: { name, arguments: more } }) {
    const call = (this.calls[index] ??= { id: "", name: "", arguments: "" });
    call.id ||= id ?? "";
    call.name ||= name ?? "";
    call.arguments += more ?? "";
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.#drawThought();
    this.body.classList.toggle("waiting", this.first === null);
    this.body.classList.toggle("writing", this.text !== "");
    this.markdown.draw(this.text);
    this.calls.forEach((call, index) => this.#drawCall(call, index));
    this.meta.replaceChildren(...this.#facts().map((fact) => element("span", {}, fact)));
    this.onDraw();
  }

  #drawThought() {
    if (!this.reasoning) return;
    if (!this.thought) {
      this.thought = element("details", { class: "thought", open: "" });
      this.thought.append(element("summary", {}, "Thinking"), element("div"));
      this.node.prepend(this.thought);
    }
    this.thought.lastElementChild.textContent = this.reasoning;
  }

  #drawCall(call, index) {
    call.node ??= element("div", { class: "call" });
    const said = element("div", {}, element("small", {}, "Tool call"), element("b", {}, call.name));
    call.node.replaceChildren(said, element("pre", { tabindex: "0" }, pretty(call.arguments)));
    if (!call.node.isConnected) this.meta.before(call.node);
    call.node.setAttribute("aria-label", `Tool call ${index + 1}`);
  }

  #facts() {
    const facts = [];
    if (this.model) facts.push(this.model);
    const counted = this.usage?.completion_tokens;
    const tokens = counted ?? this.pieces;
    if (tokens) facts.push(`${counted === undefined ? "about " : ""}${number(tokens)} tokens`);
    const seconds = (this.last - this.first) / 1000;
    // The first token is there when the clock starts; of a moment there is no rate to tell.
    if (tokens > 1 && seconds > 0.05) facts.push(`${number((tokens - 1) / seconds, 1)} tokens/s`);
    if (this.first !== null) facts.push(`first token after ${number((this.first - this.began) / 1000, 2)} s`);
    return facts;
  }

  note(text) {
    this.meta.before(element("p", { class: "note" }, text));
  }

  // Ends the drawing; `said` tells how it ended if not by itself.
  end(said = null) {
    this.draw();
    this.body.classList.remove("waiting", "writing");
    if (this.thought && this.text) this.thought.open = false;
    if (said ?? ENDINGS[this.finish]) this.note(said ?? ENDINGS[this.finish]);
    if (this.text) this.meta.prepend(copyButton(() => this.text));
    this.node.setAttribute("aria-busy", "false");
    this.onDraw();
  }

  // Whether there is something to remember: an answer that failed at once has nothing.
  get empty() {
    return !this.text && !this.calls.length;
  }

  message() {
    const message = { role: "assistant", content: this.text || null };
    if (this.calls.length) {
      message.tool_calls = this.calls.map((call) => ({
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: call.arguments },
      }));
    }
    return message;
  }
}

function pretty(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
