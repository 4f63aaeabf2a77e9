"use strict";
const box = find("box"), send = find("send"), stop = find("stop");
const TALK = "lectern-talk", KEPT_TURNS = 20;
const PARTS = { llm: "the language model", embeddings: "search by meaning", rerank: "the ranking of passages",
  index: "the main index", store: "the kept conversation" };
const WAKING = { store: "Waking the database …", embeddings: "Waking the search …", index: "Waking the search …",
  rerank: "Waking the search …", llm: "The language model is starting …" };
const ENDED = { stopped: "Stopped.", abandoned: "The answer was ended early, as nobody was there to read it." };
let running = null, turns = [];

function keepTurn(turn) {
  turns = [...turns, turn].slice(-KEPT_TURNS);
  try { store.setItem(TALK, JSON.stringify(turns)); } catch { store.removeItem(TALK); } // it is full
}

function receive(turn, name, data) {
  if (name !== "started" && name !== "waking") turn.wait("");
  if (name === "started") {
    turn.id = data.turn_id;
    store.setItem(SESSION, data.conversation_id);
    store.setItem(UNDER_WAY, JSON.stringify({ id: turn.id, question: turn.question, context: turn.context }));
  } else if (name === "waking") turn.wait(WAKING[data.part] || "Waking up …");
  else if (name === "sources") turn.sources = data.sources;
  else if (name === "delta") turn.add(data.text);
  else if (name === "degraded") turn.note(`Answered without ${PARTS[data.part] || data.part}${data.used ? `; instead: ${data.used}` : ""}.`);
  else if (name === "failed") turn.fail(data.message, data.retryable);
  else if (name === "done" && data.outcome === "cancelled") turn.fail(ENDED[data.finish] || "The answer was ended early.", data.finish !== "stopped");
  else if (name === "done") turn.ended = true;
}

// Show a turn to its end: one that is asked now, or one that is under way.
async function run(turn) {
  turn.article.scrollIntoView({ block: "start" });
  const { signal } = running = Object.assign(new AbortController(), { turn });
  let broken = false;
  send.hidden = true;
  stop.hidden = false;
  status.textContent = "Answering …";
  try {
    if (!turn.id) {
      const response = await post(turn, signal);
      try { await read(turn, response); } catch (error) { if (signal.aborted || !turn.id) throw error; }
      if (!turn.id) throw new Problem("The connection broke off.", true);
    }
    await follow(turn, signal);
    if (turn.text) keepTurn({ question: turn.question, context: turn.context, text: turn.text, sources: turn.sources });
  } catch (error) {
    broken = error.broken === true;
    if (error.name === "AbortError") turn.fail("Stopped.", false);
    else if (error instanceof Problem) turn.fail(error.message, error.retryable, broken);
    else turn.fail("The server cannot be reached.", true);
  } finally {
    if (!broken) store.removeItem(UNDER_WAY);
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

const ask = (question, context) => run(new Turn(question, context));

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
stop.addEventListener("click", () => { const now = running; if (now) halt(now.turn, () => now.abort()); });
find("context").lastElementChild.addEventListener("click", () => { show(""); box.focus(); });
find("fresh").addEventListener("click", () => {
  if (running) { halt(running.turn, () => {}); running.abort(); }
  store.removeItem(SESSION);
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
try {
  const { id, question, context } = JSON.parse(store.getItem(UNDER_WAY)) || {};
  if (/^[\da-f-]{36}$/.test(id)) run(Object.assign(new Turn(question, context), { id }));
} catch { store.removeItem(UNDER_WAY); }

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
