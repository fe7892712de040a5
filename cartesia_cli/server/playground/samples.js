/** Sound as it arrives: samples, their outline, and the whole as a WAV file. */

const BLOCK = 2 ** 16;

/** Samples of a single peak. */
const STRIDE = 256;

export class Samples {
  /** 16 bits a sample: an hour of speech is 300 MB, and was twice that as it came. */
  #blocks = [];
  #peaks = [];
  length = 0;
  loudest = 0;
  isComplete = false;

  /** @param {number} rate hertz */
  constructor(rate) {
    this.rate = rate;
  }

  get seconds() {
    return this.length / this.rate;
  }

  /** @param {Float32Array} samples from -1 to 1 */
  append(samples) {
    for (const sample of samples) {
      const at = this.length % BLOCK;
      if (at === 0) this.#blocks.push(new Int16Array(BLOCK));
      this.#blocks.at(-1)[at] = integer(sample);
      const peak = Math.floor(this.length / STRIDE);
      const level = Math.min(1, Math.abs(sample));
      this.#peaks[peak] = Math.max(this.#peaks[peak] ?? 0, level);
      this.loudest = Math.max(this.loudest, level);
      this.length += 1;
    }
  }

  /** Returns samples from -1 to 1; at the end, fewer than `count`. */
  read(start, count) {
    const samples = new Float32Array(Math.max(0, Math.min(count, this.length - start)));
    return samples.map((_, i) => this.#blocks[Math.floor((start + i) / BLOCK)][(start + i) % BLOCK] / 32768);
  }

  /** Returns the highest level between two times, 0 to 1. */
  peak(from, to) {
    const first = Math.floor((from * this.rate) / STRIDE);
    const end = Math.max(first + 1, Math.ceil((to * this.rate) / STRIDE));
    return this.#peaks.slice(first, end).reduce((highest, peak) => Math.max(highest, peak), 0);
  }

  /** Returns a file whose header has the true sizes. */
  wav() {
    const size = this.length * 2;
    const riff = [0x46464952, 36 + size, 0x45564157]; // "RIFF", what follows, "WAVE"
    const fmt = [0x20746d66, 16, 0x10001, this.rate, this.rate * 2, 0x100002]; // "fmt ": PCM, mono; 16 bits
    const header = new Uint32Array([...riff, ...fmt, 0x61746164, size]); // "data"
    const data = this.#blocks.map((block, i) => block.subarray(0, this.length - i * BLOCK));
    return new Blob([header, ...data], { type: "audio/wav" });
  }
}

/** Returns a sample as 16 bits hold it. */
export function integer(sample) {
  return Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
}
