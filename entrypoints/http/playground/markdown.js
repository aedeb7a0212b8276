// A little Markdown to elements. Text goes in as text nodes alone: nothing a model writes is markup.

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const HEADING = /^(#{1,6})\s+(\S.*)$/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?/;
const ROW = /^\s*\|.*\|\s*$/;
const DASHES = /^\s*\|(\s*:?-+:?\s*\|)+\s*$/;
const INLINE =
  /(`+)(.+?)\1(?!`)|\*\*(?=\S)(.+?\S)\*\*|(?<!\w)__(?=\S)(.+?\S)__(?!\w)|\*(?=\S)([^*]*[^*\s])\*|(?<!\w)_(?=\S)([^_]*[^_\s])_(?!\w)|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/gs;

const LONGEST = 8000;

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Draws a text that grows, and again only what has changed of it.
export class Markdown {
  constructor(into, copyButton) {
    this.into = into;
    this.copyButton = copyButton;
    this.drawn = [];
  }

  draw(text) {
    const wanted = blocks(text);
    const keys = wanted.map((block) => JSON.stringify(block));
    let same = 0;
    while (same < keys.length && keys[same] === this.drawn[same]) same += 1;
    while (this.into.children.length > same) this.into.lastElementChild.remove();
    for (const block of wanted.slice(same)) this.into.append(this.#render(block));
    this.drawn = keys;
  }

  #render(block) {
    switch (block.kind) {
      case "code": {
        const pre = element("pre", { tabindex: "0" }, element("code", {}, block.text));
        const head = element("div", {}, block.language || "text", this.copyButton(() => block.text));
        return element("div", { class: "block" }, head, pre);
      }
      case "heading":
        return element(`h${Math.min(block.level + 2, 5)}`, {}, ...inline(block.text));
      case "list":
        return list(block);
      case "quote":
        return element("blockquote", {}, ...inline(block.text));
      case "table":
        return table(block.rows);
      case "rule":
        return element("hr");
      default:
        return element("p", {}, ...inline(block.text));
    }
  }
}

function blocks(text) {
  const lines = text.split("\n");
  const found = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = FENCE.exec(line);
    if (fence) {
      const body = [];
      for (at += 1; at < lines.length && !closes(lines[at], fence[1]); at += 1) body.push(lines[at]);
      at += 1;
      found.push({ kind: "code", language: fence[2], text: body.join("\n") });
    } else if (!line.trim()) {
      at += 1;
    } else if (HEADING.test(line)) {
      const [, marks, words] = HEADING.exec(line);
      found.push({ kind: "heading", level: marks.length, text: words });
      at += 1;
    } else if (RULE.test(line)) {
      found.push({ kind: "rule" });
      at += 1;
    } else if (ROW.test(line) && DASHES.test(lines[at + 1] ?? "")) {
      const rows = [];
      for (; at < lines.length && ROW.test(lines[at]); at += 1) rows.push(cells(lines[at]));
      found.push({ kind: "table", rows: rows.filter((_, index) => index !== 1) });
    } else if (QUOTE.test(line)) {
      const body = [];
      for (; at < lines.length && QUOTE.test(lines[at]); at += 1) body.push(lines[at].replace(QUOTE, ""));
      found.push({ kind: "quote", text: body.join("\n") });
    } else if (ITEM.test(line)) {
      at = takeList(lines, at, found);
    } else {
      const body = [];
      for (; at < lines.length && lines[at].trim() && !begins(lines[at]); at += 1) body.push(lines[at]);
      // A line that begins a block which it then is not, such as a lone row of a table.
      if (!body.length) body.push(lines[at++]);
      found.push({ kind: "text", text: body.join("\n") });
    }
  }
  return found;
}

const begins = (line) => [FENCE, HEADING, RULE, ITEM, QUOTE].some((it) => it.test(line));
const closes = (line, fence) => line.trim().startsWith(fence) && !line.trim().replaceAll(fence[0], "");
const cells = (line) => line.trim().slice(1, -1).split("|").map((cell) => cell.trim());

function takeList(lines, at, found) {
  const items = [];
  let ordered = null;
  let start = 1;
  for (; at < lines.length; at += 1) {
    const item = ITEM.exec(lines[at]);
    if (item) {
      const counted = /\d/.test(item[2]);
      const depth = Math.min(Math.floor(item[1].replaceAll("\t", "  ").length / 2), 3);
      if (ordered === null) [ordered, start] = [counted, counted ? parseInt(item[2], 10) : 1];
      else if (depth === 0 && counted !== ordered) break;
      items.push({ depth, text: item[3], counted });
    } else if (lines[at].trim() && /^\s+/.test(lines[at]) && !FENCE.test(lines[at])) {
      items.at(-1).text += `\n${lines[at].trim()}`;
    } else if (lines[at].trim() || !ITEM.test(lines[at + 1] ?? "")) {
      break;
    }
  }
  found.push({ kind: "list", ordered, start, items });
  return at;
}

function list({ ordered, start, items }) {
  const root = element(ordered ? "ol" : "ul", ordered && start !== 1 ? { start } : {});
  const open = [root];
  for (const { depth, text, counted } of items) {
    while (open.length > depth + 1) open.pop();
    while (open.length < depth + 1 && open.at(-1).lastElementChild) {
      const inner = element(counted ? "ol" : "ul");
      open.at(-1).lastElementChild.append(inner);
      open.push(inner);
    }
    open.at(-1).append(element("li", {}, ...inline(text)));
  }
  return root;
}

function table([head, ...rows]) {
  const row = (name, texts) =>
    element("tr", {}, ...texts.map((text) => element(name, {}, ...inline(text))));
  return element("table", {}, row("th", head), ...rows.map((texts) => row("td", texts)));
}

function inline(text) {
  // No paragraph is that long; looking for the ends of marks takes the square of the length.
  if (text.length > LONGEST) return [text];
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, , code, strong, strongToo, slanted, slantedToo, label, address] = found;
    if (found.index > at) parts.push(text.slice(at, found.index));
    if (code !== undefined) parts.push(element("code", {}, code.trim() || code));
    else if (strong ?? strongToo) parts.push(element("strong", {}, ...inline(strong ?? strongToo)));
    else if (slanted ?? slantedToo) parts.push(element("em", {}, ...inline(slanted ?? slantedToo)));
    else {
      const link = { href: address, title: address, target: "_blank", rel: "noopener noreferrer" };
      parts.push(element("a", link, label));
    }
    at = found.index + whole.length;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}
