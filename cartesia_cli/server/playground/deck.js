/** A waveform that plays, with the words that belong to it. */

/** Pixels of a bar, and of the gap to the next. */
const BAR = 2;
const GAP = 2;

/** Seconds that a key moves where there are no words. */
const STEP = 1;

export class Deck {
  #source = null;
  #estimate = 0;
  #frame = 0;
  #touched = false; // before it has sounded or moved, nothing is lit

  /**
   * @param {HTMLElement} host where it stands
   * @param {string} what it plays, for those who do not see it
   * @param {Words} words
   */
  constructor(host, what, words) {
    host.append(document.getElementById("deck").content.cloneNode(true));
    [this.button, this.canvas, this.seek, this.time] = host.querySelectorAll("button, canvas, input, .time");
    this.what = what;
    this.words = words;
    this.seek.setAttribute("aria-label", `Position in ${what}`);
    this.button.addEventListener("click", () => this.#toggle());
    this.seek.addEventListener("keydown", (event) => this.#onKey(event));
    this.seek.addEventListener("change", () => this.hear(this.seek.valueAsNumber));
    new ResizeObserver(this.update).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.update);
  }

  /**
   * Plays something else from now on: a `Player`, a `Recording`, or what looks like one; null is nothing.
   * @param {number} estimate seconds that it may last, for as long as that is not known
   */
  use(source, estimate = 0) {
    this.#source?.removeEventListener("change", this.update);
    this.#source = source;
    this.#estimate = estimate;
    this.#touched = false;
    source?.addEventListener("change", this.update);
    this.update();
  }

  /** Plays from a time on. */
  hear(seconds) {
    this.#source?.play(seconds);
  }

  stop() {
    this.#source?.pause();
  }

  /** Shows how things are, and goes on doing so while it plays. */
  update = () => {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#show();
      if (this.#source?.playing) this.update();
    });
  };

  #toggle() {
    const { playing, position, duration } = this.#source;
    if (playing) this.stop();
    else this.hear(position < duration - 0.05 ? position : 0);
  }

  #show() {
    const { samples, playing = false, position = 0, duration = 0 } = this.#source ?? {};
    const total = samples?.isComplete ? duration : Math.max(duration, samples?.seconds ?? 0, this.#estimate);
    this.#touched ||= playing || position > 0;
    this.button.disabled = this.seek.disabled = duration === 0;
    this.button.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${this.what}`);
    this.button.dataset.playing = playing;
    this.seek.max = total || 1;
    if (!this.seek.matches(":active")) this.seek.value = position; // nobody drags it
    this.seek.setAttribute("aria-valuetext", `${position.toFixed(1)} of ${duration.toFixed(1)} seconds`);
    this.time.textContent = duration ? `${clock(position).replace(" s", "")} / ${clock(duration)}` : "";
    const isOver = !playing && position > 0 && position >= duration;
    this.words.light(this.#touched && duration ? (isOver ? Infinity : position) : null);
    this.#draw(samples, position, total);
  }

  #draw(samples, position, total) {
    const { canvas } = this;
    const { clientWidth: width, clientHeight: height } = canvas;
    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    const pen = canvas.getContext("2d");
    const { color, outlineColor: played } = getComputedStyle(canvas);
    const bars = Math.floor((width + GAP) / (BAR + GAP));
    const second = bars / (total || 1); // bars of a second
    const loudest = Math.max(0.2, samples?.loudest ?? 0);
    pen.scale(devicePixelRatio, devicePixelRatio);
    for (let i = 0; i < bars; i += 1) {
      const level = samples ? samples.peak(i / second, (i + 1) / second) / loudest : 0;
      const size = Math.max(BAR, level ** 0.8 * height);
      pen.fillStyle = position > 0 && i < position * second ? played : color;
      pen.beginPath();
      pen.roundRect(i * (BAR + GAP), (height - size) / 2, BAR, size, BAR / 2);
      pen.fill();
    }
  }

  /** Moves from word to word; other keys do what they do on every slider. */
  #onKey(event) {
    const { position } = this.#source;
    const starts = this.words.all.map(({ start }) => start);
    if (event.key === " " || event.key === "Enter") {
      this.#toggle();
    } else if (event.key === "ArrowRight") {
      this.hear(starts.find((start) => start > position) ?? position + STEP);
    } else if (event.key === "ArrowLeft") {
      // Not to the beginning of the word that is being said: the key would lead nowhere while it plays.
      this.hear(starts.findLast((start) => start < position - 0.4) ?? 0);
    } else {
      return;
    }
    event.preventDefault();
  }
}

/** Returns seconds as one reads them, like `4.2 s` or `1:04`. */
export function clock(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
