// The AI SDK's own transport and reader, of the npm package that the first argument names.
import { pageFetch, serve, textOf } from "./commands.mjs";

const { DefaultChatTransport, readUIMessageStream } = await import(process.argv[2]);

/** Whole histories are what the transport sends by itself; `only_last` is what the SDK's guide makes of it. */
function transport({ api, headers, only_last }) {
  const page = pageFetch();
  const prepareSendMessagesRequest = ({ id, messages }) => ({ body: { id, message: messages.at(-1) } });
  const options = { api, headers, fetch: page.fetch, ...(only_last && { prepareSendMessagesRequest }) };
  return { page, transport: new DefaultChatTransport(options) };
}

/** Read to the end; `at(characters)` may act once that much text has come. */
async function read(stream, at = async () => {}) {
  const parts = [];
  const errors = [];
  let message = null;
  const note = new TransformStream({
    transform(part, next) {
      parts.push(part);
      next.enqueue(part);
    },
  });
  const onError = (error) => errors.push(String(error?.message ?? error));
  for await (const snapshot of readUIMessageStream({ stream: stream.pipeThrough(note), onError })) {
    message = snapshot;
    await at(textOf(message).length);
  }
  return { message, text: textOf(message), parts, errors };
}

/** Does something once, when enough text is there. */
function once(characters, act) {
  let done = false;
  return async (length) => {
    if (done || length < characters) return;
    done = true;
    await act();
  };
}

await serve({
  /** Ask; with `cut_at` the page is closed after so many characters, with `stop_at` its stop button is pressed. */
  async send({ chat, messages, trigger = "submit-message", cut_at, stop_at, ...options }) {
    const { page, transport: client } = transport(options);
    const abortSignal = new AbortController().signal;
    const stream = await client.sendMessages({ chatId: chat, messages, trigger, messageId: undefined, abortSignal });
    if (cut_at) return read(stream, once(cut_at, page.close));
    const address = `${options.api}/${chat}/stream`;
    return read(stream, once(stop_at ?? Infinity, () => fetch(address, { method: "DELETE", headers: options.headers })));
  },

  /** Go on with what is under way; null when nothing is. */
  async resume({ chat, ...options }) {
    const stream = await transport(options).transport.reconnectToStream({ chatId: chat });
    return stream && read(stream);
  },
});
