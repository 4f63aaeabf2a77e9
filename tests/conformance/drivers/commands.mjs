// What the drivers share: each line of standard input is a JSON command, {"do": name, …}, and is answered by one line:
// {"value": …}, or {"thrown": {…}} with what the client's error says. Before the first, a line says that it is ready. A
// driver ends with its input.
import { createInterface } from "node:readline";

export async function serve(commands) {
  process.stdout.write('{"value": "ready"}\n');
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...options } = JSON.parse(line);
    let answer;
    try {
      answer = { value: await commands[name](options) };
    } catch (error) {
      answer = { thrown: described(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

/** An error's class and what it has for a program to read. */
export function described(error) {
  const { name, message, status, code, type, param } = error;
  return { class: error.constructor.name, name, message, status, code, type, param };
}

/** All text of a UI message. */
export const textOf = (message) =>
  (message?.parts ?? []).map((part) => (part.type === "text" ? part.text : "")).join("");

/** A fetch like a page's, which ends what it loads when the page is closed; `answered` is its first answer's status. */
export function pageFetch() {
  const page = new AbortController();
  let tell;
  const answered = new Promise((resolve) => (tell = resolve));
  const fetchOfPage = async (address, options) => {
    const signal = AbortSignal.any([page.signal, ...(options?.signal ? [options.signal] : [])]);
    const response = await fetch(address, { ...options, signal });
    tell(response.status);
    return response;
  };
  return { fetch: fetchOfPage, close: () => page.abort(), answered };
}
