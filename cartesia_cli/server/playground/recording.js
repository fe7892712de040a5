/** A recording that can be heard: a file, or what the microphone has taken. */

import { Samples } from "./samples.js";

/** Hertz of the outline, and bytes of the largest file that one is drawn of. */
const OUTLINE_RATE = 8000;
const OUTLINE_LIMIT = 2 ** 26;

/** Tells `change` whenever it starts, stops, or more is known of it. */
export class Recording extends EventTarget {
  #audio = new Audio();

  /** The samples are what is drawn; of a file, they come later or never. */
  constructor(blob, samples = null) {
    super();
    this.samples = samples;
    for (const name of ["play", "pause", "ended", "durationchange"]) {
      this.#audio.addEventListener(name, () => this.dispatchEvent(new Event("change")));
    }
    this.#audio.src = URL.createObjectURL(blob);
    if (!samples && blob.size < OUTLINE_LIMIT) this.#outline(blob);
  }

  get playing() {
    return !this.#audio.paused;
  }

  get position() {
    return this.#audio.currentTime;
  }

  get duration() {
    const { duration } = this.#audio;
    return Number.isFinite(duration) ? duration : 0;
  }

  play(from) {
    this.#audio.currentTime = from;
    this.#audio.play().catch(() => {}); // a format that the browser does not play
  }

  pause() {
    this.#audio.pause();
  }

  /** Frees what the browser holds of it. */
  release() {
    this.pause();
    URL.revokeObjectURL(this.#audio.src);
    this.#audio.removeAttribute("src");
  }

  async #outline(blob) {
    try {
      const context = new OfflineAudioContext(1, 1, OUTLINE_RATE);
      const buffer = await context.decodeAudioData(await blob.arrayBuffer());
      this.samples = new Samples(buffer.sampleRate);
      this.samples.append(buffer.getChannelData(0));
      this.samples.isComplete = true;
      this.dispatchEvent(new Event("change"));
    } catch {
      // The server knows formats that the browser does not.
    }
  }
}
