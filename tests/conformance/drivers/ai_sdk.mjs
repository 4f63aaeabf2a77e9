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

/** Press the stop button of a site once enough text is there. */
const stopAt = (characters, { api, headers, chat }) =>
  once(characters ?? Infinity, () => fetch(`${api}/${chat}/stream`, { method: "DELETE", headers }));

await serve({
  /** Ask; with `cut_at` the page is closed after so many characters, with `stop_at` its stop button is pressed. */
  async send({ messages, trigger = "submit-message", cut_at, stop_at, ...options }) {
    const { page, transport: client } = transport(options);
    const abortSignal = new AbortController().signal;
    const asked = { chatId: options.chat, messages, trigger, messageId: undefined, abortSignal };
    return read(await client.sendMessages(asked), cut_at ? once(cut_at, page.close) : stopAt(stop_at, options));
  },

  /** Go on with what is under way, perhaps until its stop button is pressed; null when nothing is. */
  async resume({ stop_at, ...options }) {
    const stream = await transport(options).transport.reconnectToStream({ chatId: options.chat });
    return stream && read(stream, stopAt(stop_at, options));
  },
});
