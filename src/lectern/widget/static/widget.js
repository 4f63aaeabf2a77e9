// A button that opens the assistant: docs/widget.md
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || document.querySelector("lectern-widget")) return;
  const { title = "Ask this site", position, color } = script.dataset;
  const chat = new URL("./", script.src);
  chat.searchParams.set("embed", location.origin);
  const WAITS = [2, 4, 8, 15, 15, 15, 15]; // seconds
  const CSS = `
:host { all: initial; position: fixed; bottom: 1rem; z-index: 2147483000; font: 16px/1.5 system-ui, sans-serif }
button { font: inherit; cursor: pointer; border: 0; user-select: none; -webkit-user-select: none }
.open { padding: .65rem 1.1rem; border-radius: 2rem; color: #fff; background: var(--color); box-shadow: 0 2px 9px #0005 }
.close { padding: 0 .6rem; font-size: 1.4rem; color: inherit; background: none }
:focus-visible { outline: 3px solid light-dark(#1a56db, #8ab4f8) }
section { position: absolute; bottom: 3.7rem; display: flex; flex-direction: column; overflow: hidden;
  width: min(380px, 100vw - 2rem); height: min(620px, 100dvh - 6rem); border: 1px solid #8886; border-radius: 12px;
  color: light-dark(#1c1e21, #e3e3e3); background: light-dark(#fff, #1b1b1d); box-shadow: 0 8px 30px #0006 }
[hidden] { display: none !important }
header { display: flex; justify-content: space-between; align-items: center; padding: .3rem 1rem; font-weight: 600; border-bottom: 1px solid #8886 }
p { margin: 1.5rem }
iframe { flex: 1; border: 0 }
@media (max-width: 480px), (max-height: 420px) {
  section { position: fixed; inset: 0 !important; width: auto; height: auto; border: 0; border-radius: 0 }
}
@media (prefers-reduced-motion: no-preference) {
  section { animation: rise .15s }
  @keyframes rise { from { opacity: 0; translate: 0 8px } }
}
@media print { :host { display: none } }`;

  const make = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const host = make("lectern-widget");
  const button = make("button", { className: "open", textContent: title, ariaExpanded: "false" });
  const shut = make("button", { className: "close", textContent: "×", ariaLabel: "Close" });
  const frame = make("iframe", { title, hidden: true, referrerPolicy: "strict-origin" });
  const note = make("p", { role: "status" });
  const panel = make("section", { role: "dialog", ariaLabel: title, hidden: true },
    make("header", {}, make("span", { textContent: title }), shut), note, frame);
  let ready = false, tries = 0, timer = 0;

  const page = document.documentElement;
  const theme = () =>
    [getComputedStyle(page).colorScheme, page.dataset.theme].find((name) => /^(dark|light)$/.test(name)) ||
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const post = (message) => frame.contentWindow.postMessage(message, chat.origin);
  const tell = () => {
    const context = String(getSelection()).trim().slice(0, 4000);
    post({ lectern: "open", theme: theme(), context, tokens: true });
  };
  const token = async () => { try { return `${await window.lectern.token() || ""}`; } catch {} };
  const load = () => { frame.src = chat.href; };
  const show = (shown) => {
    clearTimeout(timer);
    tries = 0;
    note.textContent = "Loading …";
    panel.hidden = !shown;
    button.ariaExpanded = String(shown);
    host.style.colorScheme = theme();
    (!shown ? button : ready ? frame : shut).focus();
    if (shown) (ready ? tell : load)();
  };

  frame.onload = () => {
    if (ready || panel.hidden) return;
    note.textContent = "Waking up …";
    if (tries < WAITS.length) timer = setTimeout(load, 1000 * WAITS[tries++]);
    else note.replaceChildren("This cannot be opened here. ",
      make("a", { href: chat.origin, target: "_blank", rel: "noopener", textContent: "Open it in a new tab" }));
  };
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== chat.origin || source !== frame.contentWindow) return;
    if (data === "lectern:close") show(false);
    if (data === "lectern:token") token().then((token) => post({ lectern: "token", token }));
    if (data !== "lectern:ready") return;
    clearTimeout(timer);
    ready = note.hidden = true;
    frame.hidden = false;
    if (host.shadowRoot.activeElement) frame.focus();
    tell();
  });
  button.onclick = () => show(panel.hidden);
  shut.onclick = () => show(false);
  host.onkeydown = ({ key }) => { if (key === "Escape" && !panel.hidden) show(false); };

  const mount = () => {
    const start = getComputedStyle(page).direction === "rtl" ? "left" : "right";
    const side = /^(left|right)$/.test(position) ? position : start;
    host.style[side] = "1rem";
    panel.style[side] = 0;
    host.style.setProperty("--color", color || "#1d6f42");
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    host.attachShadow({ mode: "open" }).append(button, panel);
    host.shadowRoot.adoptedStyleSheets = [sheet];
    document.body.append(host);
  };
  document.body ? mount() : addEventListener("DOMContentLoaded", mount);
})();
