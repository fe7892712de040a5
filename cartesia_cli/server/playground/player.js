/** Plays samples without a gap while they still arrive. */

/** Seconds before the first sample: what starting in the past would cut off. */
const LEAD = 0.04;

/** Seconds that are handed on ahead, a second at a time: a page in the background is seldom woken. */
const AHEAD = 8;

/** Seconds in which it falls silent: cut off at once, it would click. */
const FADE = 0.02;

/** Tells `change` whenever it starts, stops, or comes to the end. */
export class Player extends EventTarget {
  #context = null;
  #out = null;
  #sources = new Set();
  #runs = []; // what follows without a gap: when it starts on the context's clock, its first sample, its end
  #rest = 0; // the position while nothing plays
  samples = null;
  playing = false;

  get duration() {
    return this.samples?.seconds ?? 0;
  }

  /** Seconds into the samples that are heard now. */
  get position() {
    const heard = this.#context?.currentTime - (this.#context?.outputLatency || 0);
    const run = this.playing && this.#runs.findLast(({ at }) => at <= heard);
    if (!run) return this.#rest;
    const { rate } = this.samples;
    return Math.min(run.end, run.first + (heard - run.at) * rate) / rate;
  }

  /** Plays other samples from now on. */
  load(samples) {
    this.#silence();
    this.samples = samples;
    this.#rest = 0;
    this.#tell();
  }

  /** Plays what there is and what is still to come, from a time on, in seconds. */
  play(from) {
    this.#silence();
    const { rate } = this.samples;
    // The context has the samples' own rate: converting them piece by piece would click between the pieces.
    this.#context ??= new AudioContext({ sampleRate: rate });
    this.#context.resume();
    this.#out = new GainNode(this.#context);
    this.#out.connect(this.#context.destination);
    this.#rest = Math.max(0, Math.min(from, this.duration));
    this.playing = true;
    this.more();
    this.#tell();
  }

  /** To be called when samples have come, or when they are complete. */
  more() {
    if (!this.playing) return;
    const { rate, length, isComplete } = this.samples;
    const now = this.#context.currentTime;
    let run = this.#runs.at(-1);
    for (;;) {
      const first = run?.end ?? Math.round(this.#rest * rate);
      let at = run ? run.at + (first - run.first) / rate : 0;
      if (first >= length || at > now + AHEAD) break;
      if (at < now) {
        // On the grid of the samples: between two of them, the context would interpolate.
        at = Math.ceil((now + LEAD) * rate) / rate;
        run = { at, first };
        this.#runs.push(run);
      }
      const piece = this.samples.read(first, rate);
      this.#schedule(piece, at);
      run.end = first + piece.length;
    }
    if (!this.#sources.size && isComplete) {
      this.#silence();
      this.#rest = this.duration;
      this.#tell();
    }
  }

  /** Stops where it is. */
  pause() {
    if (!this.playing) return;
    this.#rest = this.position;
    this.#silence();
    this.#tell();
  }

  #schedule(piece, at) {
    const buffer = new AudioBuffer({ length: piece.length, sampleRate: this.samples.rate });
    buffer.copyToChannel(piece, 0);
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#out);
    source.onended = () => {
      this.#sources.delete(source);
      this.more();
    };
    this.#sources.add(source);
    source.start(at);
  }

  #silence() {
    this.playing = false;
    this.#runs = [];
    const now = this.#context?.currentTime;
    this.#out?.gain.setTargetAtTime(0, now, FADE / 4);
    for (const source of this.#sources) {
      source.onended = null;
      source.stop(now + FADE);
    }
    this.#sources.clear();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
