"use strict";
const box = find("box"), send = find("send"), stop = find("stop");
const KEY = "lectern-session", TALK = "lectern-talk", KEPT_TURNS = 20;
// Seconds between attempts while the host of a sleeping or restarting server answers in its place; a minute in all.
const WAITS = [1, 2, 4, 8, 15, 15, 15];
const PARTS = { llm: "the language model", embeddings: "search by meaning", rerank: "the ranking of passages",
  index: "the main index", store: "the kept conversation" };
const WAKING = { store: "Waking the database …", embeddings: "Waking the search …", index: "Waking the search …",
  rerank: "Waking the search …", llm: "The language model is starting …" };
const TOKEN_SECONDS = 10;
let running = null, turns = [], hasTokens = false, told = () => {};

class Problem extends Error {
  constructor(message, retryable) { super(message); this.retryable = retryable; }
}

// Storage throws where a browser blocks it in a foreign frame; then the conversation lasts as long as the page.
const store = (() => {
  const kept = new Map();
  const own = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  try { sessionStorage.getItem(KEY); return sessionStorage; } catch { return own; }
})();

function keepTurn(turn) {
  turns = [...turns, turn].slice(-KEPT_TURNS);
  try { store.setItem(TALK, JSON.stringify(turns)); } catch { store.removeItem(TALK); } // it is full
}

async function* events(response) {
  const bytes = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await bytes.read();
    if (done) return;
    const frames = (rest + value).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const fields = Object.fromEntries(frame.split("\n").filter((l) => !l.startsWith(":")).map((l) => [l.slice(0, l.indexOf(":")), l.slice(l.indexOf(":") + 2)]));
      if (fields.event) yield [fields.event, JSON.parse(fields.data)];
    }
  }
}

const pause = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * seconds);
  signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

// What shows who the reader is, where the page that the widget is on knows it; else the cookies do, or nothing.
async function credentials() {
  const token = hasTokens && await new Promise((resolve) => {
    told = resolve;
    setTimeout(resolve, 1000 * TOKEN_SECONDS, "");
    parent.postMessage("lectern:token", reader);
  });
  // Not Authorization, which on a private Space is the Hub's.
  return /^[!-~]+$/.test(token || "") ? { "X-Lectern-Authorization": `Bearer ${token}` } : {};
}

async function post(turn, signal) {
  for (let attempt = 0; ; ) {
    const body = { message: turn.question, context: turn.context || undefined, session_id: store.getItem(KEY) || undefined };
    const headers = { "Content-Type": "application/json", Accept: "text/event-stream", ...await credentials() };
    const response = await fetch("chat", { method: "POST", credentials: "include", signal, headers, body: JSON.stringify(body) });
    const kind = response.headers.get("content-type") || "";
    if (kind.startsWith("text/event-stream")) return response;
    if (kind.includes("json")) {
      const problem = await response.json();
      if (problem.error !== "conversation_not_found" || !body.session_id) throw new Problem(problem.message, problem.retryable);
      store.removeItem(KEY);
    } else if ([200, 502, 503, 504].includes(response.status) && attempt < WAITS.length) {
      turn.wait("The assistant is waking up; this takes up to a minute …");
      await pause(WAITS[attempt++], signal);
    } else throw new Problem("The assistant is not available right now.", true);
  }
}

function receive(turn, name, data) {
  if (name !== "started" && name !== "waking") turn.wait("");
  if (name === "started") store.setItem(KEY, data.conversation_id);
  else if (name === "waking") turn.wait(WAKING[data.part] || "Waking up …");
  else if (name === "sources") turn.sources = data.sources;
  else if (name === "delta") turn.add(data.text);
  else if (name === "degraded") turn.note(`Answered without ${PARTS[data.part] || data.part}${data.used ? `; instead: ${data.used}` : ""}.`);
  else if (name === "failed") turn.fail(data.message, data.retryable);
  else if (name === "done") turn.ended = true;
}

async function ask(question, context) {
  const turn = new Turn(question, context);
  turn.article.scrollIntoView({ block: "start" });
  running = new AbortController();
  send.hidden = true;
  stop.hidden = false;
  status.textContent = "Answering …";
  try {
    const response = await post(turn, running.signal);
    for await (const [name, data] of events(response)) receive(turn, name, data);
    if (!turn.ended) turn.fail("The connection broke off.", true);
    else if (turn.text) keepTurn({ question, context, text: turn.text, sources: turn.sources });
  } catch (error) {
    if (error.name === "AbortError") turn.fail("Stopped.", false);
    else if (error instanceof Problem) turn.fail(error.message, error.retryable);
    else turn.fail("The server cannot be reached.", true);
  } finally {
    turn.close();
    running = null;
    if (document.activeElement === stop) box.focus();
    stop.hidden = true;
    turn.article.querySelector(".error")?.scrollIntoView({ block: "nearest" });
    send.hidden = false;
    // Read out once, whole: a live region that is repainted with each word would be read again and again.
    status.textContent = turn.article.innerText;
  }
}

function show(context) {
  find("context").hidden = !context;
  find("context").firstElementChild.textContent = context && `About: ${context}`;
  find("context").dataset.text = context;
}

find("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = box.value.trim();
  if (running || !question) return;
  box.value = "";
  const context = find("context").dataset.text;
  show("");
  ask(question, context);
});
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); find("ask").requestSubmit(); }
});
stop.addEventListener("click", () => running?.abort());
find("context").lastElementChild.addEventListener("click", () => { show(""); box.focus(); });
find("fresh").addEventListener("click", () => {
  running?.abort();
  store.removeItem(KEY);
  store.removeItem(TALK);
  turns = [];
  talk.replaceChildren();
  box.focus();
});

if (/^(light|dark)$/.test(parameters.get("__theme"))) document.documentElement.style.colorScheme = parameters.get("__theme");
document.body.classList.toggle("embedded", reader !== null);
show("");
try { turns = JSON.parse(store.getItem(TALK)) || []; } catch { turns = []; }
for (const turn of turns) Object.assign(new Turn(turn.question, turn.context), { text: turn.text, sources: turn.sources }).close();

if (framed && /^https?:\/\//.test(reader)) {
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== reader || source !== parent) return;
    if (data?.lectern === "token") told(data.token);
    if (data?.lectern !== "open") return;
    hasTokens = data.tokens === true;
    if (/^(light|dark)$/.test(data.theme)) document.documentElement.style.colorScheme = data.theme;
    show(String(data.context || "").slice(0, 4000));
    box.focus();
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.isComposing) parent.postMessage("lectern:close", reader); });
  parent.postMessage("lectern:ready", reader);
} else box.focus();
