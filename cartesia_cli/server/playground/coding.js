/** The panel with the code. */

import { LISTENING, SPEAKING } from "./codes.js";
import { copies, find } from "./panels.js";
import { BASE, VERSION, currentKey, server } from "./server.js";

const CODES = { speaking: SPEAKING, listening: LISTENING };
const PARTS = /'(?:[^']|'\\'')*'|"(?:\\.|[^"\\])*"|^#.*|(?<=\s)--?[a-zA-Z][\w-]*/gm;

export class Coding {
  #asked = { listening: { file: "talk.wav" } };
  #topic = "speaking";
  #language = "cartesia";
  #tabs = [...document.querySelectorAll("[role=tab]")];
  #topics = [...document.querySelectorAll("[name=topic]")];
  #code = document.querySelector("code");

  constructor() {
    for (const tab of this.#tabs) {
      tab.addEventListener("click", () => this.#choose(tab));
      tab.addEventListener("keydown", (event) => this.#onKey(event));
    }
    for (const radio of this.#topics) radio.addEventListener("change", () => this.turnTo(radio.value));
    server.addEventListener("key", () => this.#show());
    copies(find("copy-code"), () => this.#code.textContent);
    this.#choose(this.#tabs[0]);
  }

  /** Takes over what a panel, `speaking` or `listening`, has now. */
  update(topic, asked) {
    this.#asked[topic] = asked;
    this.#show();
  }

  /** Shows the code of a panel. */
  turnTo(topic) {
    this.#topic = topic;
    for (const radio of this.#topics) radio.checked = radio.value === topic;
    this.#show();
  }

  #choose(tab) {
    this.#language = tab.dataset.language;
    for (const each of this.#tabs) {
      each.ariaSelected = each === tab;
      each.tabIndex = each === tab ? 0 : -1;
    }
    find("code-panel").setAttribute("aria-labelledby", tab.id);
    this.#show();
  }

  #onKey(event) {
    const count = this.#tabs.length;
    const here = this.#tabs.indexOf(event.target);
    const next = { ArrowRight: here + 1, ArrowLeft: here + count - 1, Home: 0, End: count - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.#tabs[next % count].focus();
    this.#choose(this.#tabs[next % count]);
  }

  #show() {
    const place = { base: BASE, version: VERSION, hasKey: currentKey() !== "" };
    const asked = this.#asked[this.#topic];
    const text = asked ? CODES[this.#topic][this.#language](asked, place) : "";
    if (text !== this.#code.textContent) this.#code.replaceChildren(...coloured(text));
  }
}

/** Returns a text with its strings, options and comments told apart; as a text it stays the same. */
function coloured(text) {
  const nodes = [];
  let end = 0;
  for (const { 0: part, index } of text.matchAll(PARTS)) {
    const element = document.createElement("span");
    element.className = { "'": "string", '"': "string", "#": "comment" }[part[0]] ?? "option";
    element.textContent = part;
    nodes.push(text.slice(end, index), element);
    end = index + part.length;
  }
  return [...nodes, text.slice(end)];
}
