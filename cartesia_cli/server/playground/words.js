/** A text whose words light up in time with its sound. */

/** How far ahead a word is looked for: it may be said otherwise than it is written. */
const REACH = 400;

/** Seconds that a word stays lit after its end. */
const GLOW = 0.25;

export class Words {
  #host;
  #rest = new Text();
  #tail = document.createElement("i");
  #words = [];
  #reached = -1; // the last word that has begun

  /**
   * @param {HTMLElement} host where the text stands
   * @param {(start: number) => void} hear called with a word's time when it is clicked
   */
  constructor(host, hear) {
    this.#host = host;
    host.addEventListener("click", ({ target }) => {
      const word = this.#words.find(({ element }) => element === target);
      if (word && getSelection().isCollapsed) hear(word.start);
    });
  }

  /** The words with their times in seconds, in order. */
  get all() {
    return this.#words.map(({ element, start, end }) => ({ word: element.textContent, start, end }));
  }

  /** Puts a text in the place of the old one. */
  show(text) {
    this.#words = [];
    this.#reached = -1;
    this.#rest = new Text(text);
    this.#tail.textContent = "";
    this.#host.replaceChildren(this.#rest, this.#tail);
  }

  /** Adds to the text. */
  append(text) {
    this.#rest.data += text;
  }

  /** Shows, after all the rest, what may still change. */
  tail(text) {
    this.#tail.textContent = text;
    this.#host.scrollTop = this.#host.scrollHeight;
  }

  /** Finds words in the text, after those that it has already. */
  add(words) {
    let rest = this.#rest.data;
    const nodes = [];
    for (const { word, start, end } of words) {
      const at = rest.slice(0, REACH + word.length).indexOf(word);
      const element = document.createElement("span");
      element.textContent = word;
      element.dataset.start = start.toFixed(1);
      this.#words.push({ element, start, end });
      if (at < 0) {
        nodes.push(element, " ");
      } else {
        nodes.push(rest.slice(0, at), element);
        rest = rest.slice(at + word.length);
      }
    }
    this.#rest.data = rest;
    this.#rest.before(...nodes);
  }

  /** Lights the word that is heard at a time; before anything is heard, that is null. */
  light(seconds) {
    const reached = seconds === null ? -1 : this.#begun(seconds);
    const word = this.#words[reached];
    const next = word && seconds < word.end + GLOW ? word.element : null;
    const lit = this.#host.querySelector("[aria-current]");
    if (lit !== next) {
      lit?.removeAttribute("aria-current");
      next?.setAttribute("aria-current", "true");
      if (next) this.#keepInView(next);
    }
    const [first, last] = [this.#reached, reached].sort((a, b) => a - b);
    for (const { element } of this.#words.slice(first + 1, last + 1)) {
      element.classList.toggle("said", reached > this.#reached);
    }
    this.#reached = reached;
  }

  #begun(seconds) {
    let [low, high] = [0, this.#words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#words[middle].start <= seconds) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Scrolls the text alone, never the page. */
  #keepInView(element) {
    const { top, bottom } = element.getBoundingClientRect();
    const frame = this.#host.getBoundingClientRect();
    if (top < frame.top || bottom > frame.bottom) this.#host.scrollTop += top - frame.top - frame.height / 3;
  }
}
