/** The part of the microphone in the audio thread: gathers a tenth of a second, and hands it over. */

class Capture extends AudioWorkletProcessor {
  #held = new Float32Array(Math.round(sampleRate / 10));
  #count = 0;
  #isOver = false;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.#hand();
      this.port.postMessage(null); // that was all
      this.#isOver = true;
    };
  }

  process([[channel]]) {
    for (const sample of channel ?? []) {
      this.#held[this.#count] = sample;
      this.#count += 1;
      if (this.#count === this.#held.length) this.#hand();
    }
    return !this.#isOver;
  }

  #hand() {
    this.port.postMessage(this.#held.slice(0, this.#count));
    this.#count = 0;
  }
}

registerProcessor("capture", Capture);
