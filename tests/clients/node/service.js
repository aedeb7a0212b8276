// The service, run once for each file of tests: node runs each in a process of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { after } from "node:test";

const root = path.resolve(import.meta.dirname, "../../..");
const python = process.env.SERVICE_PYTHON ?? path.join(root, ".venv/bin/python");

export const apiKey = "the-key-of-the-client-suites";

const service = spawn(python, ["-m", "tests.clients.scripted_service", apiKey], {
  cwd: root,
  stdio: ["pipe", "pipe", "inherit"],
});
const [port] = await once(service.stdout, "data");

export const baseURL = `http://127.0.0.1:${Number(port)}/v1`;

after(async () => {
  const ended = once(service, "exit");
  service.stdin.end();
  await ended;
});
