// The OpenAI SDK for JavaScript.
import OpenAI from "openai";
import { serve } from "./commands.mjs";

const client = ({ base_url, api_key, headers }) =>
  new OpenAI({ baseURL: base_url, apiKey: api_key, defaultHeaders: headers, maxRetries: 0 });

await serve({
  /** A chat completion, whole. */
  chat: ({ body, ...options }) => client(options).chat.completions.create(body),

  /** A streamed one: its chunks, and what the SDK's own helper makes of another. */
  async chat_stream({ body, ...options }) {
    const chunks = [];
    const stream = await client(options).chat.completions.create({ ...body, stream: true });
    for await (const chunk of stream) chunks.push(chunk);
    return { chunks };
  },

  /** A streamed one as the SDK's helper puts it together. */
  async chat_helper({ body, ...options }) {
    const runner = client(options).chat.completions.stream(body);
    return runner.finalChatCompletion();
  },

  /** A response, whole. */
  async response({ body, ...options }) {
    const response = await client(options).responses.create(body);
    return { response, output_text: response.output_text };
  },

  /** A streamed one: its events. */
  async response_stream({ body, ...options }) {
    const events = [];
    for await (const event of await client(options).responses.create({ ...body, stream: true })) events.push(event);
    return { events };
  },

  /** The models, and one of them. */
  async models({ model, ...options }) {
    const all = [];
    for await (const one of client(options).models.list()) all.push(one);
    return { all, one: await client(options).models.retrieve(model ?? all[0].id) };
  },
});
