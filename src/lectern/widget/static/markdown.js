"use strict";
// The Markdown of answers as HTML. All text is escaped; the only addresses are http(s) and paths of this server.
const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const safe = (href) => (/^(https?:\/\/|\/(?!\/))/.test(href) ? href : "#");

function inline(text, sources) {
  const kept = [];
  const keep = (html) => `\u0001${kept.push(html) - 1}\u0001`;
  let out = text.replaceAll("\u0001", "").replace(/(`+)(.+?)\1/g, (_, __, code) => keep(`<code>${escape(code)}</code>`));
  out = out.replace(/\[([^\]\n]+)\]\(([^)\s]+)\)/g, (_, name, href) =>
    keep(`<a href="${escape(safe(href))}">${escape(name)}</a>`));
  out = out.replace(/\[(\d+(?:\s*,\s*\d+)*)\]/g, (_, list) => list.split(/\s*,\s*/).map((n) => {
    const source = sources[n - 1];
    return source ? keep(`<a href="${escape(safe(source.href))}" title="${escape(source.title)}">[${n}]</a>`) : "";
  }).join(""));
  out = escape(out).replace(/\*\*(.+?)\*\*/g, "<strong>$1</strong>");
  // What is kept may hold something kept before it: code in a link's name.
  for (let i = 0; i < 3; i++) out = out.replace(/\u0001(\d+)\u0001/g, (_, n) => kept[n]);
  return out;
}

// `dir="auto"` does not look into children that have a direction of their own, so lists and quotes are told.
const direction = (text) => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/.test(text.match(/\p{L}/u)) ? "rtl" : "ltr");

function block(kind, lines, sources) {
  if (kind === "quote") return `<blockquote dir="${direction(lines.join())}">${markdown(lines.join("\n"), sources)}</blockquote>`;
  if (kind === "code") return `<pre dir="ltr" tabindex="0"><code>${escape(lines.join("\n").trimEnd())}</code></pre>`;
  if (kind === "ul" || kind === "ol") {
    // A list that a blank line cuts in two goes on counting.
    const start = kind === "ol" ? ` start="${parseInt(lines[0], 10)}"` : "";
    const items = lines.map((line) => `<li dir="auto">${inline(line.replace(/^([-*]|\d+\.) /, ""), sources)}</li>`);
    return `<${kind} dir="${direction(lines.join())}"${start}>${items.join("")}</${kind}>`;
  }
  return `<p dir="auto">${lines.map((line) => inline(line, sources)).join("<br>")}</p>`;
}

function markdown(text, sources) {
  const html = [];
  let lines = [], kind = "", fence = "";
  const flush = () => {
    if (lines.length) html.push(block(kind, lines, sources));
    lines = [];
    kind = "";
  };
  const add = (next, line) => { if (next !== kind) { flush(); kind = next; } lines.push(line); };
  for (const line of text.split("\n")) {
    const mark = line.match(/^\s*(`{3,}|~{3,})/);
    const item = line.match(/^\s*(([-*]|\d+\.) .*)/);
    const indented = /^( {4}|\t)/.test(line) && (kind === "code" || (!kind && !/^<[uo]l/.test(html.at(-1))));
    if (fence) { if (mark && mark[1].startsWith(fence)) { flush(); fence = ""; } else lines.push(line); }
    else if (mark) { flush(); kind = "code"; fence = mark[1]; }
    else if (indented || (kind === "code" && !line.trim())) add("code", line.replace(/^( {4}|\t)/, ""));
    else if (/^>/.test(line)) add("quote", line.replace(/^> ?/, ""));
    else if (item) add(/\d/.test(item[2]) ? "ol" : "ul", item[1]);
    else if (!line.trim()) flush();
    else if (/^#{1,6} /.test(line)) { flush(); html.push(`<p dir="auto"><strong>${inline(line.replace(/^#+ /, ""), sources)}</strong></p>`); }
    else add("text", line);
  }
  flush();
  return html.join("");
}
