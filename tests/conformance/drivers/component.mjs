// Puts the component of a JSX file on a page in jsdom and uses it as a reader does: types a question, sends it, and waits
// for the answer; then asks again and presses Stop. Prints what is drawn after each, as JSON.
import { readFileSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { JSDOM } from "jsdom";

const dom = new JSDOM("<!doctype html><body><main></main></body>", { url: "http://localhost:3000/" });
for (const name of ["window", "document", "navigator"])
  Object.defineProperty(globalThis, name, { value: dom.window[name], configurable: true });
const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");

const source = readFileSync(process.argv[2], "utf8");
writeFileSync("component.compiled.mjs", transformSync(source, { loader: "jsx", jsx: "automatic" }).code);
const { default: Component } = await import("./component.compiled.mjs");
const main = document.querySelector("main");
createRoot(main).render(createElement(Component, { id: crypto.randomUUID(), messages: [] }));

/** When something of the page has come true; looks whenever it changes. */
function until(condition) {
  return new Promise((resolve) => {
    const look = () => condition() && (observer.disconnect(), resolve());
    const observer = new dom.window.MutationObserver(look);
    observer.observe(main, { subtree: true, childList: true, characterData: true, attributes: true });
    look();
  });
}

const button = (name) => [...main.querySelectorAll("button")].find((each) => each.textContent === name);
const articles = () => [...main.querySelectorAll("article")];

function ask(question) {
  const input = main.querySelector("input");
  Object.getOwnPropertyDescriptor(dom.window.HTMLInputElement.prototype, "value").set.call(input, question);
  input.dispatchEvent(new dom.window.Event("input", { bubbles: true }));
  main.querySelector("form").dispatchEvent(new dom.window.Event("submit", { bubbles: true, cancelable: true }));
}

const drawn = () => ({
  texts: articles().map((each) => each.textContent),
  links: [...main.querySelectorAll("a")].map((each) => each.href),
});

await until(() => main.querySelector("form"));
ask("How do I run the tests?");
await until(() => articles().length === 2 && button("Stop").disabled);
const answered = drawn();
ask("And how long do they take?");
await until(() => articles().length === 4 && articles()[3].textContent.includes("You asked:"));
button("Stop").click();
await until(() => button("Stop").disabled);
console.log(JSON.stringify({ answered, stopped: drawn() }));
process.exit(0);
