"use strict";
// A turn as the server sends it: asked once, and gone on with from where it was when its stream breaks off.
const SESSION = "lectern-session", UNDER_WAY = "lectern-turn";
// Seconds between attempts while the host of a sleeping or restarting server answers in its place; a minute in all.
const WAITS = [1, 2, 4, 8, 15, 15, 15];
// Seconds before each attempt to go on, a minute in all; whatever comes of one begins the count anew.
const RETURNS = [0, 1, 2, 4, 8, 15, 15, 15];
// Where that was in vain because the phone sleeps or is offline, so often it is tried anew: when it is back, or then.
const NAPS = 12, NAP_SECONDS = 600;
// A stream says something every ten seconds; one that a sleeping phone or a changed network left behind never does.
const SILENT_SECONDS = 30, ASLEEP_SECONDS = 12;
const TOKEN_SECONDS = 10;
let hasTokens = false, told = () => {}, woken = () => {}, reading = null, heard = 0;

class Problem extends Error {
  constructor(message, retryable, broken = false) { super(message); Object.assign(this, { retryable, broken }); }
}

// Storage throws where a browser blocks it in a foreign frame; then the conversation lasts as long as the page.
const store = (() => {
  const kept = new Map();
  const own = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  try { sessionStorage.getItem(SESSION); return sessionStorage; } catch { return own; }
})();

const pause = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * seconds);
  woken = () => { clearTimeout(timer); resolve(); };
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

const kind = (response) => response.headers.get("content-type") || "";
const isStream = (response) => response.ok && kind(response).startsWith("text/event-stream");
// The host's own page, in place of an answer of the server behind it.
const isAsleep = (response) => [200, 502, 503, 504].includes(response.status) && !kind(response).includes("json");

async function post(turn, signal) {
  for (let attempt = 0; ; ) {
    const body = { message: turn.question, context: turn.context || undefined, session_id: store.getItem(SESSION) || undefined };
    const headers = { "Content-Type": "application/json", Accept: "text/event-stream", ...await credentials() };
    const response = await fetch("chat", { method: "POST", credentials: "include", signal, headers, body: JSON.stringify(body) });
    if (isStream(response)) return response;
    if (kind(response).includes("json")) {
      const problem = await response.json();
      if (problem.error !== "conversation_not_found" || !body.session_id) throw new Problem(problem.message, problem.retryable);
      store.removeItem(SESSION);
    } else if (isAsleep(response) && attempt < WAITS.length) {
      turn.wait("The assistant is waking up; this takes up to a minute …");
      await pause(WAITS[attempt++], signal);
    } else throw new Problem("The assistant is not available right now.", true);
  }
}

// Whole frames only: what a cut left of one comes again. `receive` is told each with its position, once.
async function read(turn, response) {
  const bytes = reading = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const watch = setInterval(() => drop(SILENT_SECONDS), 5000);
  try {
    for (let rest = "", piece; ; ) {
      heard = Date.now();
      if ((piece = await bytes.read()).done) return;
      const frames = (rest + piece.value).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) {
        const fields = Object.fromEntries(frame.split("\n").filter((l) => !l.startsWith(":")).map((l) => [l.slice(0, l.indexOf(":")), l.slice(l.indexOf(":") + 2)]));
        if (!fields.event || Number(fields.id) <= turn.at) continue;
        if (fields.id) turn.at = Number(fields.id);
        // Without a position it is not the turn's end, but that of a worker which stops; another one goes on.
        if (fields.id || !turn.id || fields.event !== "failed") receive(turn, fields.event, JSON.parse(fields.data));
      }
    }
  } finally {
    clearInterval(watch);
    reading = null;
  }
}

// Give up a connection that has said nothing for so long; `read` then ends as if it had broken off.
function drop(seconds) {
  if (reading && Date.now() - heard >= 1000 * seconds) reading.cancel().catch(() => {});
}

// Go on with a turn until it has ended; of one from before a reload, from its beginning.
async function follow(turn, signal) {
  for (let tries = 0, naps = 0, least = 0; !turn.ended; ) {
    if (tries === RETURNS.length) {
      if ((navigator.onLine && !document.hidden) || naps++ === NAPS) throw new Problem("The connection broke off.", true, true);
      turn.wait("You seem to be offline; the answer goes on when you are back …");
      await pause(NAP_SECONDS, signal);
      tries = 0;
    } else await pause(Math.max(RETURNS[tries], least), signal);
    const before = turn.at;
    least = 0;
    try {
      const headers = { Accept: "text/event-stream", ...(turn.at && { "Last-Event-ID": String(turn.at) }), ...await credentials() };
      const response = await fetch(`chat/turns/${turn.id}/stream`, { credentials: "include", signal, headers });
      if (isStream(response)) await read(turn, response);
      else if (kind(response).includes("json")) least = await refused(response);
      else if (!isAsleep(response)) throw new Problem("The assistant is not available right now.", true, true);
    } catch (error) {
      if (signal.aborted || error instanceof Problem) throw error;
    }
    tries = turn.at > before ? 0 : tries + 1;
    if (!turn.ended) turn.wait("The connection broke off; going on with the answer …");
  }
}

// How many seconds to wait, if trying again may help.
async function refused(response) {
  const problem = await response.json();
  if (["turn_not_found", "turn_lost", "invalid_request"].includes(problem.error)) throw new Problem("The server no longer has this answer.", true);
  if (!problem.retryable) throw new Problem(problem.message, false);
  return Math.min(Number(response.headers.get("retry-after")) || 0, 30);
}

// Stop it for all who follow it; the stream then says that it ended. A second time, or in vain, only this page leaves.
async function halt(turn, leave) {
  if (!turn.id || turn.halts) return leave();
  turn.halts = true;
  try {
    const headers = await credentials();
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(`chat/turns/${turn.id}`, { method: "DELETE", credentials: "include", headers, signal });
    if (!response.ok) leave();
  } catch { leave(); }
}

addEventListener("online", () => { drop(0); woken(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) { drop(ASLEEP_SECONDS); woken(); } });
