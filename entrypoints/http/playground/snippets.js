// A request as code. The key itself is never part of it.

export function curl(body, origin, keyed) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  const lines = [`curl -N ${origin}/v1/chat/completions`, `  -H 'Content-Type: application/json'`];
  if (keyed) lines.push(`  -H "Authorization: Bearer $OPENAI_API_KEY"`);
  lines.push(`  -d '${json}'`);
  return lines.join(" \\\n");
}

export function python(body, origin, keyed) {
  // The client insists on a model; none means the server's default.
  const { stream_options: _, ...fields } = { model: null, ...body };
  const given = Object.entries(fields).map(([name, value]) => `    ${name}=${literal(value, 1)},\n`);
  const key = keyed ? `os.environ["OPENAI_API_KEY"]` : `"none"`;
  return `${keyed ? "import os\n\n" : ""}from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=${key})
stream = client.chat.completions.create(
${given.join("")})
for chunk in stream:
    if chunk.choices and chunk.choices[0].delta.content:
        print(chunk.choices[0].delta.content, end="", flush=True)
print()
`;
}

function literal(value, depth) {
  const inner = "    ".repeat(depth + 1);
  const outer = "    ".repeat(depth);
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  // The strings of JSON are strings of Python, too.
  if (typeof value !== "object") return JSON.stringify(value);
  const [parts, left, right] = Array.isArray(value)
    ? [value.map((one) => literal(one, depth + 1)), "[", "]"]
    : [
        Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one, depth + 1)}`),
        "{",
        "}",
      ];
  if (!parts.length) return left + right;
  const short = left + parts.join(", ") + right;
  if (short.length <= 80 && !short.includes("\n")) return short;
  return `${left}\n${parts.map((part) => `${inner}${part},\n`).join("")}${outer}${right}`;
}
