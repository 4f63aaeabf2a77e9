// A page with React's `useChat`, in jsdom, of the npm packages that the arguments name: @ai-sdk/react's, ai's.
import { JSDOM } from "jsdom";
import { pageFetch, serve } from "./commands.mjs";

const dom = new JSDOM("<!doctype html><body></body>", { url: "http://localhost/" });
for (const name of ["window", "document", "navigator"])
  Object.defineProperty(globalThis, name, { value: dom.window[name], configurable: true });
const { createElement: h } = await import("react");
const { createRoot } = await import("react-dom/client");
const { useChat } = await import(process.argv[2]);
const { DefaultChatTransport } = await import(process.argv[3]);

/** One part of a message as a site would show it. */
function shown(part, key) {
  if (part.type === "text") return h("p", { key }, part.text);
  if (part.type === "source-url") return h("a", { key, href: part.url }, part.title);
  return null;
}

/** A page: `see` gets what the hook returns, each time it is drawn. */
function Page({ options, see }) {
  const chat = useChat(options);
  see(chat);
  return chat.messages.map(({ id, role, parts }) => h("article", { key: id, className: role }, parts.map(shown)));
}

/** Open a page; `until` waits for something of its hook to come true. */
function open({ api, headers, chat: id, messages, resume }) {
  const { fetch, close, answered } = pageFetch();
  const place = document.body.appendChild(document.createElement("main"));
  const root = createRoot(place);
  const statuses = [];
  const data = [];
  let latest = null;
  let waiting = [];
  const see = (chat) => {
    latest = chat;
    if (statuses.at(-1) !== chat.status) statuses.push(chat.status);
    waiting = waiting.filter(({ condition, resolve }) => !condition(chat) || queueMicrotask(() => resolve(chat)));
  };
  const transport = new DefaultChatTransport({ api, headers, fetch });
  root.render(h(Page, { options: { id, messages, resume, transport, onData: (part) => data.push(part.type) }, see }));
  const until = (condition) =>
    new Promise((resolve) => (latest && condition(latest) ? resolve(latest) : waiting.push({ condition, resolve })));
  const drawn = () =>
    [...place.querySelectorAll("article")].map((article) => ({
      role: article.className,
      text: [...article.querySelectorAll("p")].map((each) => each.textContent).join(""),
      sources: [...article.querySelectorAll("a")].map((each) => [each.href, each.textContent]),
    }));
  const leave = () => {
    close();
    root.unmount();
    place.remove();
  };
  return { until, drawn, leave, answered, statuses, data, error: () => latest?.error?.message ?? null };
}

/** When a page has drawn what its hook last said. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

const ended = (chat) => chat.status === "ready" || chat.status === "error";
const answerOf = (chat) => (chat.messages.at(-1)?.role === "assistant" ? chat.messages.at(-1).parts : []);
const textOf = (chat) => answerOf(chat).map((part) => part.text ?? "").join("");

const stop = ({ api, chat, headers }) => fetch(`${api}/${chat}/stream`, { method: "DELETE", headers });

async function told(page, chat) {
  await settled();
  const { statuses, data } = page;
  const { messages } = chat;
  const answer = { drawn: page.drawn(), messages, statuses, data, error: page.error() };
  page.leave();
  return answer;
}

await serve({
  /** Type a question and press enter; with `cut_at` the page is closed after so many characters of the answer. */
  async send({ text, cut_at, ...options }) {
    const page = open(options);
    const first = await page.until(() => true);
    first.sendMessage({ text });
    await page.until((chat) => chat.status !== "ready");
    return told(page, await page.until((chat) => ended(chat) || (cut_at && textOf(chat).length >= cut_at)));
  },

  /** Open a page that goes on with what is under way, if anything is, and stop that after so many characters. */
  async resume({ stop_at, ...options }) {
    const page = open({ ...options, resume: true });
    const status = await page.answered;
    if (status === 200) {
      await page.until((chat) => textOf(chat).length >= stop_at);
      await stop(options);
    }
    return { ...(await told(page, await page.until((chat) => status !== 200 || ended(chat)))), answered: status };
  },

  /** Press the stop button after so many characters, as a site does: the hook's stop, and the service's. */
  async stop({ text, stop_at, ...options }) {
    const page = open(options);
    const first = await page.until(() => true);
    first.sendMessage({ text });
    const chat = await page.until((one) => textOf(one).length >= stop_at);
    await stop(options);
    await chat.stop();
    return told(page, await page.until(ended));
  },
});
