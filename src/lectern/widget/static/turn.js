"use strict";
// One question and its answer on the page.
const find = (id) => document.getElementById(id);
const talk = find("talk"), status = find("status");
const parameters = new URLSearchParams(location.search);
const reader = parameters.get("embed"); // the origin of the page that the widget is on; the policy says who may frame
const framed = reader !== null && parent !== window;

function element(tag, name, text) {
  const made = document.createElement(tag);
  made.dir = "auto";
  made.className = name;
  made.textContent = text || "";
  return made;
}

// A page of the reader's site opens where the reader is; anything else beside it.
function aim(link) {
  const here = framed && link.origin === reader;
  link.target = here ? "_top" : "_blank";
  link.rel = "noopener";
}

class Turn {
  constructor(question, context) {
    Object.assign(this, { question, context, id: "", at: 0, text: "", sources: [], ended: false, due: 0 });
    this.article = element("article", "");
    this.said = element("div", "said");
    this.waiting = null;
    this.article.append(element("p", "asked", question));
    if (context) this.article.append(element("p", "about", context.length > 120 ? `${context.slice(0, 120)} …` : context));
    this.article.append(this.said);
    talk.append(this.article);
  }
  add(text) { this.text += text; this.due ||= requestAnimationFrame(() => this.paint()); }
  paint() {
    cancelAnimationFrame(this.due);
    this.due = 0;
    this.said.innerHTML = markdown(this.text, this.sources);
    this.said.querySelectorAll("a").forEach(aim);
  }
  note(text, name = "") {
    const note = element("p", `note ${name}`, text);
    this.article.append(note);
    return note;
  }
  wait(text) { this.waiting?.remove(); this.waiting = text ? this.note(text) : null; if (text) status.textContent = text; }
  // One that is `broken` may still be under way: it is gone on with, where any other is asked again.
  fail(message, retryable, broken = false) {
    this.ended = !broken;
    this.said.hidden = !this.text;
    const note = this.note(message, "error");
    if (!retryable) return;
    const again = element("button", "", "Try again");
    again.type = "button";
    again.addEventListener("click", () => {
      if (running) return;
      box.focus();
      if (!broken) { this.article.remove(); ask(this.question, this.context); return; }
      note.remove();
      this.said.hidden = false;
      run(this);
    });
    note.append(again);
  }
  close() {
    this.wait("");
    if (this.text) this.paint();
    this.article.querySelector(".sources")?.remove();
    if (!this.sources.length || !this.text) return;
    const list = element("ol", "sources");
    list.ariaLabel = "Sources";
    list.dir = direction(this.sources[0].title);
    for (const source of this.sources) {
      const item = document.createElement("li"), link = element("a", "", [source.title, ...source.heading_path].join(" › "));
      link.href = safe(source.href);
      aim(link);
      item.append(link);
      list.append(item);
    }
    this.said.after(list);
  }
}
